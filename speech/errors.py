"""What can go wrong when a machine hears or speaks.

SpeechError
├── EngineUnavailable    engine, weights or library are not here: says how to get them
├── OptionInvalid        an engine's option is unknown or has a wrong value: names it
├── LanguageUnsupported  the engine does not know the language: names it, and those it knows
├── VoiceUnknown         no voice of that name: names those there are
├── VoicesInvalid        the file of voices has faults: a line for each
├── ConsentInvalid       a person's consent is incomplete, expired, or not for this: says which
├── ReferenceRefused     no voice should be made of this recording: says what was measured
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


class VoicesInvalid(SpeechError):
    """The file of voices has faults; the message has a line for each, with its place."""


class ConsentInvalid(SpeechError):
    """What a person agreed to is incomplete, over, or something else."""


class ReferenceRefused(SpeechError):
    """A recording is too short, too noisy or too loud to make a voice of."""


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


def as_speech_error(failure: Exception, name: str) -> SpeechError:
    """`failure`; where the engine `name` broke its word, an `EngineFailed` that it caused."""
    if isinstance(failure, SpeechError):
        return failure
    error = EngineFailed(f"{name} broke: {failure!r}")
    error.__cause__ = failure
    return error
