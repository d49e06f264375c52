"""The composition root: the only package that knows everyone."""

from typing import TYPE_CHECKING

from speech.threads import pin_threads

pin_threads()  # before anything below imports numpy

if TYPE_CHECKING:
    from pipecat.runner.types import RunnerArguments


async def bot(runner_args: "RunnerArguments") -> None:
    """One call of Pipecat's own runner: `python -m bot -t webrtc`, `-t twilio` or `-t exotel`.

    A `/start` request's body may name the flow, the language and the variables.
    """
    from bot.runner import run_bot  # Pipecat comes with it, and takes 2 s

    await run_bot(runner_args)
