"""What can go wrong when a machine hears or speaks.

SpeechError
├── EngineUnavailable    engine, weights or library are not here: says how to get them
├── OptionInvalid        an engine's option is unknown or has a wrong value: names it
├── LanguageUnsupported  the engine does not know the language: names it, and those it knows
├── VoiceUnknown         no voice of that name: names those there are
├── EngineFailed         the engine was there and broke on this request; another try may work
├── EngineBusy           the pool has more work than it can finish in time; nothing was started
└── DeadlineExceeded     the work did not finish within the caller's deadline
"""


class SpeechError(Exception):
    """Any failure of hearing or speaking; the message says what to do."""


class EngineUnavailable(SpeechError):
    """The engine, its weights or its library are not on this machine."""


class OptionInvalid(SpeechError):
    """An option of an engine is unknown or wrong."""


class LanguageUnsupported(SpeechError):
    """The engine does not know the language asked for."""


class VoiceUnknown(SpeechError):
    """No voice of that name is known to the engine."""


class EngineFailed(SpeechError):
    """The engine broke on this request."""


class EngineBusy(SpeechError):
    """The pool has more work than it can finish in time."""


class DeadlineExceeded(SpeechError):
    """The work did not finish within the caller's deadline."""


ENGINE_FAILURES = (
    *(SpeechError, ValueError, RuntimeError, MemoryError),
    *(LookupError, TypeError, AttributeError, OSError, ArithmeticError, AssertionError),
)
"""Engines promise SpeechError; the others are what they break their word with, and the call must
find another engine, or this one in the next turn."""
