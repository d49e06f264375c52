"""One worker of several: `python -m bot.workers.worker`, started by the supervisor alone."""

import sys

from bot.errors import BotError
from bot.logs import set_up_logging
from bot.settings import load_settings
from bot.workers.seat import Inheritance, Seat
from ivr_flows.errors import FlowError
from speech.errors import SpeechError
from telephony.errors import TelephonyError


def main() -> None:
    """Serve until told to stop."""
    settings = load_settings()
    set_up_logging(settings.log_level, secrets=settings.secret_values())
    from bot.server import serve_worker  # Pipecat comes with it, and takes 2 s

    try:
        serve_worker(settings, Seat(Inheritance.from_text(sys.argv[1])))
    except (BotError, FlowError, SpeechError, TelephonyError) as error:
        print(error, file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
