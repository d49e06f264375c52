"""`python -m bot -t webrtc | twilio | exotel`: Pipecat's own runner on our pipeline."""

import sys

from pipecat.runner.run import app, main

from bot.runner import keep_services_open

if __name__ == "__main__":
    start = keep_services_open(app)
    try:
        main()
    except SystemExit:
        if start.failure is None:
            raise
    if start.failure is not None:
        sys.exit(start.failure)  # a text: written to stderr, status 1
