"""What can go wrong while Callwright is put together and run.

BotError
└── SettingsError    a setting is wrong, unknown or missing: one line for each
"""


class BotError(Exception):
    """Any failure of the composition root; the message says what to do."""


class SettingsError(BotError):
    """Settings that cannot be used: a line per wrong value, secrets never among them."""
