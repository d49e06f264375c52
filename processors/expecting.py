"""What the conversation expects the caller to say: how hearing asks whether words are enough."""

from typing import Literal, Protocol

Verdict = Literal["complete", "likely", "enough", "open", "other", "free"]
"""What words are worth where they were said:

- `complete`: an answer to the question, with nothing missing.
- `likely`: an answer that may be all: a bare "no", or one that the recogniser doubts.
- `enough`: an answer, but one that people often go on with.
- `open`: they can't be all, or say so: "twenty", "and", "no wait".
- `other`: they mean nothing here.
- `free`: nothing in particular is expected.
"""


class Expectation(Protocol):
    """What is expected now. Pure: the same words always get the same verdict."""

    def judge(self, text: str, confidence: float) -> Verdict:
        """The verdict on all words of the turn so far; `confidence` (0..1) is the recogniser's."""
        ...
