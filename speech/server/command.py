"""The entry of the command by itself: one thread a model, as in the rest of Callwright."""

from typing import NoReturn

from speech.threads import pin_threads

pin_threads()  # before numpy is imported


def main() -> NoReturn:
    """The console script `callwright-speech`."""
    from speech.server.cli import main as run

    run()
