"""One rule: what to look for in a text, and what to say for it."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from speech.speakable.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Rule:
    """`say` gives the words for a match, or None to leave it for a later rule."""

    pattern: re.Pattern[str]
    say: Callable[[re.Match[str], Vocabulary], str | None]
    takes_endings: bool = False  # "10ला": a Devanagari ending stays on the last word

    def rewrite(self, text: str, words: Vocabulary) -> str:
        """`text` with every match said, and no word run into its neighbour."""
        done = 0
        pieces: list[str] = []
        for match in self.pattern.finditer(text):
            spoken = self.say(match, words)
            if spoken is None:
                continue
            start, end = match.span()
            pieces.append(text[done:start])
            if start and _is_word_part(text[start - 1]) and not spoken.startswith(" "):
                pieces.append(" ")
            pieces.append(spoken)
            if end < len(text) and self._needs_space(spoken, text[end], words):
                pieces.append(" ")
            done = end
        pieces.append(text[done:])
        return "".join(pieces)

    def _needs_space(self, spoken: str, following: str, words: Vocabulary) -> bool:
        if spoken.endswith(" ") or not _is_word_part(following):
            return False
        is_devanagari = "\u0900" <= following <= "\u097f"
        return not (self.takes_endings and is_devanagari and words.code != "en")


def _is_word_part(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character)[0] == "M"
