"""Options that are lists, written as one text with commas."""

from typing import Annotated

from pydantic import BeforeValidator, Field


def listed(given: object) -> object:
    """`"en, hi"` as ("en", "hi"); anything else as it is."""
    if not isinstance(given, str):
        return given
    return tuple(part.strip() for part in given.split(",") if part.strip())


Names = Annotated[tuple[str, ...], BeforeValidator(listed)]
"""Any words."""

Languages = Annotated[
    tuple[Annotated[str, Field(pattern=r"^[a-z]{2,3}$")], ...],
    BeforeValidator(listed),
    Field(min_length=1, description="ISO 639 codes, with commas: en,hi,mr"),
]
"""Languages, at least one."""
