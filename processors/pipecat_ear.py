"""A Pipecat service that hears, as an engine: `speech.stt.Recognizer` over an STT service."""

from collections.abc import Sequence

from processors.pipecat_utterance import MakeLine, PipecatStream, Read
from processors.service_line import ServiceLines
from speech.errors import EngineUnavailable, LanguageUnsupported, SpeechError
from speech.stt import RecognitionStream


class PipecatRecognizer:
    """Implements `speech.stt.Recognizer`."""

    def __init__(
        self,
        *,
        name: str,
        languages: Sequence[str],
        make: MakeLine,
        read: Read,
        connect_s: float,
        timeout_s: float,
        unreached: str,
    ) -> None:
        """Set up; nothing is connected.

        Args:
            name: in the settings.
            languages: ISO 639-1; the first is connected at the start.
            make: makes a line.
            read: reads what its service pushes.
            connect_s: how long a connection may take.
            timeout_s: how long words may take.
            unreached: what to look at when it can't be connected.
        """
        self._name = name
        self._languages = tuple(languages)
        self._make = make
        self._read = read
        self._timeout_s = timeout_s
        self._unreached = unreached
        self._lines = ServiceLines(connect_s=connect_s)

    @property
    def name(self) -> str:
        return self._name

    @property
    def languages(self) -> frozenset[str]:
        return frozenset(self._languages)

    @property
    def sample_rate_hz(self) -> int:
        return 16_000

    def open(
        self,
        *,
        language: str,
        sample_rate_hz: int,
        hints: Sequence[str] = (),
        other_languages: Sequence[str] = (),
    ) -> RecognitionStream:
        """Start an utterance; hints would need a connection of their own, and are ignored.

        Raises:
            LanguageUnsupported: `language` is not one of option languages.
        """
        if language not in self._languages:
            known = ", ".join(self._languages)
            raise LanguageUnsupported(
                f"{self._name} does not understand {language!r}, only {known} (option languages)"
            )
        if not 8_000 <= sample_rate_hz <= 48_000:
            raise ValueError(f"sample_rate_hz must be 8000..48000, not {sample_rate_hz}")
        return PipecatStream(
            lines=self._lines,
            make=self._make,
            read=self._read,
            language=language,
            sample_rate_hz=sample_rate_hz,
            timeout_s=self._timeout_s,
        )

    async def start(self) -> None:
        """Connect once, which shows that the key is good. Raises EngineUnavailable."""
        kind = (self._languages[0], 8_000)
        try:
            line = await self._lines.take(kind, lambda: self._make(*kind))
        except EngineUnavailable:
            raise
        except SpeechError as error:
            raise EngineUnavailable(f"{error}; {self._unreached}") from error
        self._lines.give_back(kind, line)

    async def close(self) -> None:
        """Disconnect."""
        await self._lines.close()
