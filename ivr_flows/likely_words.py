"""What is likely to be said here: hints for the recogniser, which prefers them where it doubts.

Only what the question asks for: a word more, and other talk becomes an answer that it was not.
Names come first: a recogniser takes what fits, and knows menu words better than names of dishes.
"""

import re
from collections.abc import Mapping, Sequence
from typing import cast

from ivr_flows.errors import TemplateInvalid
from ivr_flows.flow import AskingNode, CollectNode, MenuNode, Value
from ivr_flows.meanings import Means
from ivr_flows.prompts import new_value
from ivr_flows.wording.number_words import ENGLISH_TENS, ENGLISH_UNITS

MAX_HINTS = 60
MAX_NAMES = 12
"""Of a node's own hints. Whisper has room for 96 tokens, and the menu's words need some of it."""
MAX_NAME_CHARACTERS = 80

_QUANTITY = re.compile(r"^\d+\s*[x×]?\s+")
_UNITS = tuple(spellings.split("/")[0] for spellings in ENGLISH_UNITS.split())
_TENS = tuple(spellings.split("/")[0] for spellings in ENGLISH_TENS.split())
_DIGITS = (*_UNITS[:10], "oh", "double", "triple")
_MINUTES = (*_UNITS[1:20], *_TENS[:5], *(f"{tens} five" for tens in _TENS[:4]))
# Bare "ten" and not "ten minutes": a row of one-word hints may be said in any order.
_DURATIONS = (*(f"{n} minutes" for n in _MINUTES), "half an hour", "an hour", "one hour")
_RIGHT_OR_WRONG = ("yes", "no", "correct", "right", "wrong", "one", "two")


def likely_words(
    node: AskingNode,
    means: tuple[Means, ...],
    language: str,
    variables: Mapping[str, Value],
    *,
    is_checking: bool,
) -> tuple[str, ...]:
    """Hints for what answers `node`, or, with `is_checking`, "is that right?"."""
    if is_checking:
        return _RIGHT_OR_WRONG if language == "en" else ()
    names = names_at(node, variables, language)
    if isinstance(node, MenuNode):
        # Without a menu's plain "yes" and "no": with them 45 of 492 recorded prompts that answer
        # nothing were acted on, without them 28.
        phrases = (phrase for answer in means for phrase in answer.phrases)
        return tuple(dict.fromkeys((*names, *phrases)))[:MAX_HINTS]
    if isinstance(node, CollectNode) and language == "en":
        match node.kind:
            case "digits":
                return _DIGITS  # alone: with phrases beside them they are no row any more
            case "minutes":
                return (*names, *_DURATIONS)
            case "number":
                pass
    return names


def names_at(node: AskingNode, variables: Mapping[str, Value], language: str) -> tuple[str, ...]:
    """The node's own hints with their variables in place, lists item by item, quantities left out.

    What has no value, does not fit, or is longer than a name is left out.
    """
    found: dict[str, None] = {}
    for hint in node.hints:
        try:
            value = cast("object", new_value(hint, variables, language))
        except TemplateInvalid:
            continue
        is_list = isinstance(value, tuple | list)
        for each in cast("Sequence[object]", value) if is_list else (value,):
            name = "" if each is None else _QUANTITY.sub("", " ".join(str(each).split()))
            if 0 < len(name) <= MAX_NAME_CHARACTERS:
                found[name] = None
    return tuple(found)[:MAX_NAMES]
