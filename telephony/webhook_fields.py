"""Reading a carrier's message into a model: pydantic's complaint as WebhookMalformed."""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from telephony.errors import WebhookMalformed


class WebhookModel(BaseModel):
    """Fields that we read; a carrier may add others at any time."""

    model_config = ConfigDict(
        extra="ignore",
        frozen=True,
        populate_by_name=True,
        coerce_numbers_to_str=True,
        hide_input_in_errors=True,
    )


_M = TypeVar("_M", bound=WebhookModel)


def read_fields(model: type[_M], fields: Mapping[str, object]) -> _M:
    """The model of a message's fields. Raises WebhookMalformed naming the first bad field.

    The text never quotes a value: it may be a number of the caller's.
    """
    try:
        return model.model_validate(dict(fields))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"]) or "message"
        raise WebhookMalformed(
            name, first["msg"], "Send the carrier's message as it is, with all its fields"
        ) from None
