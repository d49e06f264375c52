"""`deepgram` hears: Pipecat's Deepgram service, streaming, with a key of Deepgram's.

Its package is the extra `deepgram`; nothing of it is imported before an engine is made.
"""

from typing import Any, cast

from pipecat.frames.frames import Frame, InterimTranscriptionFrame, TranscriptionFrame
from pydantic import Field, SecretStr, field_validator

from processors.pipecat_ear import PipecatRecognizer
from processors.pipecat_utterance import Heard, HeardThroughFrame
from processors.service_line import ServiceLine
from speech.engines.option_lists import Languages, Names
from speech.errors import EngineUnavailable, OptionInvalid
from speech.options import EngineOptions
from speech.pool import EnginePool
from speech.stt import Word

HOW_TO_GET_IT = "run `pip install 'callwright[deepgram]'`"


class DeepgramOptions(EngineOptions):
    """What can be set for `deepgram`."""

    api_key: SecretStr = Field(default=SecretStr(""), description="Deepgram's key; needed")
    model: str = Field(default="nova-3", min_length=1, description="e.g. nova-3, nova-2-phonecall")
    languages: Languages = ("en", "hi", "mr")
    multilingual: bool = Field(
        default=False,
        description="Hear English and Hindi mixed (Deepgram's language=multi) where hi or en is "
        "spoken",
    )
    keyterms: Names = Field(default=(), description="Names to be expected, with commas (nova-3)")
    base_url: str = Field(
        default="", description="Of a Deepgram of one's own, wss://...; empty: Deepgram's cloud"
    )
    connect_s: float = Field(default=2.0, gt=0, le=30, description="How long a connection may take")
    timeout_s: float = Field(
        default=4.0, gt=0, le=60, description="How long words may take before they are given up"
    )

    @field_validator("base_url")
    @classmethod
    def _is_a_url(cls, given: str) -> str:
        if given and not given.startswith(("ws://", "wss://", "http://", "https://")):
            raise ValueError("must begin with wss:// or ws://")
        return given.rstrip("/")


class DeepgramRecognizer(PipecatRecognizer):
    """Implements `speech.stt.Recognizer`."""

    def __init__(self, pool: EnginePool, *, options: DeepgramOptions) -> None:
        """Set up; nothing is connected. `pool` is not used: nothing is decoded here.

        Raises:
            EngineUnavailable: the package is missing.
            OptionInvalid: there is no key.
        """
        del pool
        if not options.api_key.get_secret_value():
            raise OptionInvalid("deepgram: option 'api_key' is needed: make one at deepgram.com")
        service = _service_class()

        def make(language: str, rate_hz: int) -> ServiceLine:
            made = service(**_arguments(service, options, language, rate_hz))
            return ServiceLine(
                made,
                in_rate_hz=rate_hz,
                out_rate_hz=rate_hz,
                is_connected=lambda: made.is_connected,
            )

        super().__init__(
            name="deepgram",
            languages=options.languages,
            make=make,
            read=read_result,
            connect_s=options.connect_s,
            timeout_s=options.timeout_s,
            unreached=(
                "is option base_url right?" if options.base_url else "can this machine reach it?"
            ),
        )


def _service_class() -> Any:
    """Pipecat's service, which besides tells up to where it has heard."""
    try:
        from deepgram.listen.v1.types import ListenV1Results
        from pipecat.services.deepgram.stt import DeepgramSTTService
    except ImportError as error:
        raise EngineUnavailable(f"deepgram-sdk is not installed: {HOW_TO_GET_IT}") from error

    class TellingDeepgram(DeepgramSTTService):
        @property
        def is_connected(self) -> bool:
            # While it connects again it drops audio without a word.
            return self._connection is not None

        # Pipecat has no frame for an answer without words, nor for the last of all answers.
        async def _on_message(self, message: Any) -> None:
            await super()._on_message(message)
            if isinstance(message, ListenV1Results):
                await self.push_frame(
                    HeardThroughFrame(
                        through_s=message.start + message.duration,
                        is_final=bool(message.is_final),
                        is_last=bool(message.from_finalize),
                    )
                )

    return TellingDeepgram


def _arguments(
    service: Any, options: DeepgramOptions, language: str, rate_hz: int
) -> dict[str, Any]:
    mixes = options.multilingual and language in ("en", "hi")
    return {
        "name": "deepgram",
        "api_key": options.api_key.get_secret_value(),
        "base_url": options.base_url,
        "sample_rate": rate_hz,
        "audio_passthrough": False,
        "settings": service.Settings(
            model=options.model,
            language="multi" if mixes else language,
            keyterm=list(options.keyterms) or None,
            smart_format=False,
            interim_results=True,
        ),
    }


def read_result(frame: Frame) -> Heard:
    """The words of a frame of Pipecat's, with what Deepgram said besides."""
    frame = cast("TranscriptionFrame | InterimTranscriptionFrame", frame)
    result: Any = frame.result
    best: Any = result.channel.alternatives[0]
    words = tuple(
        Word(
            text=str(getattr(word, "punctuated_word", None) or word.word),
            start_ms=round(word.start * 1000),
            end_ms=round(word.end * 1000),
            confidence=_within(word.confidence),
        )
        for word in getattr(best, "words", None) or ()
    )
    language = str(frame.language).split("-")[0] if frame.language else None
    return Heard(frame.text, _within(getattr(best, "confidence", 0.0)), language, words)


def _within(given: Any) -> float:
    return min(max(float(given), 0.0), 1.0)
