"""`python -m bot -t webrtc | twilio | exotel`: Pipecat's own runner on our pipeline."""

from pipecat.runner.run import main

if __name__ == "__main__":
    main()
