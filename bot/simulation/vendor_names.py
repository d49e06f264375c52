"""The kinds of vendor whom a simulated call reaches: what a command line names."""

from enum import StrEnum


class VendorName(StrEnum):
    """The kinds of vendor."""

    confirms = "confirms"
    rejects = "rejects"
    keypad = "keypad"
    interrupts = "interrupts"
    silent = "silent"
    busy = "busy"
    voicemail = "voicemail"
