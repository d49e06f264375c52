"""`python -m speech.server --engines moonshine,espeak`."""

from speech.server.command import main

if __name__ == "__main__":
    main()
