"""What can go wrong while Callwright is put together and run.

BotError
├── SettingsError    a setting is wrong, unknown or missing: one line for each
├── StartFailed      the server can't start: says what is missing and how to get it
├── ModelFailed      no language model gave a whole reply; holds what was given of it
└── EmbeddingFailed  texts could not be turned into vectors; they are searched by words alone

Of telephony's tree:

LineRefused
└── StreamRefused    a media stream that no call of ours belongs to
"""

from telephony.errors import LineRefused


class BotError(Exception):
    """Any failure of the composition root; the message says what to do."""


class SettingsError(BotError):
    """Settings that cannot be used: a line per wrong value, secrets never among them."""


class StartFailed(BotError):
    """The server can't start."""


class ModelFailed(BotError):
    """No endpoint gave a whole reply; the message has a part for each: "name: why; name: why"."""

    def __init__(self, message: str, *, given: str = "") -> None:
        """`given`: the words that were given before the reply broke off; "" where none were."""
        super().__init__(message)
        self.given = given


class EmbeddingFailed(BotError):
    """The endpoint for embeddings gave no vectors that can be used; says why."""


class StreamRefused(LineRefused):
    """A media stream that no call of ours belongs to."""
