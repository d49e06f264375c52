"""What can go wrong while Callwright is put together and run.

BotError
├── SettingsError    a setting is wrong, unknown or missing: one line for each
└── StartFailed      the server can't start: says what is missing and how to get it

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


class StreamRefused(LineRefused):
    """A media stream that no call of ours belongs to."""
