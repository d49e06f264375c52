"""The options of an engine: read once, from text, with errors that name the option and the fix.

Each engine that has any declares them as a subclass of `EngineOptions` beside its class, every
field with a default and a description; its entry in the registry names that subclass.
"""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from speech.errors import OptionInvalid


class EngineOptions(BaseModel):
    """Any engine's options. Values never show in errors: one may be a key."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, str_strip_whitespace=True
    )


O = TypeVar("O", bound=EngineOptions)  # noqa: E741


def read_options(engine: str, wanted: type[O], given: Mapping[str, str]) -> O:
    """The options of an engine, from their texts.

    Raises:
        OptionInvalid: a line for each that is unknown or wrong.
    """
    try:
        return wanted.model_validate(dict(given))
    except ValidationError as error:
        faults: list[str] = []
        for fault in error.errors(include_url=False, include_input=False):
            name = ".".join(str(part) for part in fault["loc"])
            if fault["type"] == "extra_forbidden":
                known = ", ".join(sorted(wanted.model_fields)) or "none"
                faults.append(f"{engine} has no option {name!r}; it has: {known}")
            else:
                message = fault["msg"].removeprefix("Value error, ")
                faults.append(f"{engine}: option {name!r}: {message}")
    raise OptionInvalid("\n".join(faults))
