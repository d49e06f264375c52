"""What goes over `WS /ws/stream`, as text; audio goes as binary messages (int16 LE mono PCM)."""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from speech.server.errors import ApiError
from speech.stt import Transcript

Code = Annotated[str, Field(max_length=35)]
Phrase = Annotated[str, Field(max_length=200)]


class _Message(BaseModel):
    """A client's message; what it has besides is ignored, so that clients may be newer."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


class Start(_Message):
    """Begin an utterance."""

    type: Literal["start"]
    id: Annotated[str, Field(max_length=100)] = ""
    model: Annotated[str, Field(max_length=100)] = ""
    language: Code | None = None
    other_languages: Annotated[list[Code], Field(max_length=50)] = []
    sample_rate_hz: Annotated[int, Field(ge=4_000, le=192_000)] = 16_000
    hints: Annotated[list[Phrase], Field(max_length=500)] = []
    partial_every_ms: Annotated[int, Field(ge=0, le=60_000)] = 0  # of audio; 0: when asked


class Partial(_Message):
    """Say what it is so far."""

    type: Literal["partial"]
    urgent: bool = False


class Finish(_Message):
    """No more audio comes: say what it was."""

    type: Literal["finish"]


class Cancel(_Message):
    """Forget the utterance."""

    type: Literal["cancel"]


ClientMessage = Start | Partial | Finish | Cancel
_ANY: TypeAdapter[ClientMessage] = TypeAdapter(
    Annotated[ClientMessage, Field(discriminator="type")]
)


def read_message(text: str) -> ClientMessage:
    """A client's message.

    Raises:
        ApiError: 400, it is none; names the field.
    """
    try:
        return _ANY.validate_json(text)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
    place = [str(part) for part in fault["loc"][1:]]
    if fault["type"] == "json_invalid":
        raise ApiError(400, "a text message must be a JSON object", code="invalid_json")
    if not place:
        raise ApiError(
            400,
            "type: one of start, partial, finish, cancel; audio goes as binary messages",
            param="type",
            code="unknown_type",
        )
    field = ".".join(place)
    raise ApiError(400, f"{field}: {fault['msg']}", param=field, code="invalid_value")


def transcript_message(utterance_id: str, transcript: Transcript) -> str:
    """A partial or final transcript."""
    return _text(
        {
            "type": "final" if transcript.is_final else "partial",
            "id": utterance_id,
            "text": transcript.text,
            "language": transcript.language,
            "confidence": transcript.confidence,
            "audio_ms": transcript.audio_ms,
            "words": [
                {
                    "text": word.text,
                    "start_ms": word.start_ms,
                    "end_ms": word.end_ms,
                    "confidence": word.confidence,
                }
                for word in transcript.words
            ],
        }
    )


def ready_message(utterance_id: str, model: str) -> str:
    """An utterance was begun."""
    return _text({"type": "ready", "id": utterance_id, "model": model})


def busy_message(utterance_id: str) -> str:
    """A partial that may be left out would have to wait."""
    return _text({"type": "busy", "id": utterance_id})


def error_message(utterance_id: str, error: ApiError) -> str:
    """Something was refused or failed."""
    return _text(
        {
            "type": "error",
            "id": utterance_id,
            "code": error.code,
            "message": str(error.detail),
            "param": error.param,
        }
    )


def _text(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=True)
