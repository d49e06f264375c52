"""`python -m bot -t webrtc | twilio | exotel`: Pipecat's own runner on our pipeline."""

from pipecat.runner.run import app, main

from bot.runner import keep_services_open

if __name__ == "__main__":
    keep_services_open(app)
    main()
