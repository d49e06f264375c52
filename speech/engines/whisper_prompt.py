"""What Whisper is given before the sound: hot words, and a text that sets the way of writing. Pure.

Both stand where the text of earlier speech would, within a limit of tokens: it prefers words that
it saw there. Too many, and it recites them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

MIXED = {
    "hi": "मैं phone पर बात कर रहा हूँ, मेरा number और address नोट कीजिए।",
    "mr": "मी phone वर बोलत आहे, माझा number आणि address लिहून घ्या.",
}
"""For code-switched speech. It is decoded in the language of its grammar, and English words in it
keep the Latin letters in which menus and the answers' rules spell them. None here is an answer."""

TEXT_TOKENS = 100
"""The most of the text's tokens; with the hints' they leave Whisper its 224 for what is said."""

Encode = Callable[[str], Sequence[int]]


@dataclass(frozen=True, slots=True)
class Prompt:
    """What goes before the start of a transcript."""

    text: str = ""  # as the guards compare it
    tokens: tuple[int, ...] = ()


def prompt_for(hints: Sequence[str], text: str, encode: Encode, *, hint_tokens: int) -> Prompt:
    """The hints that fit, in their order, and the text behind them.

    A hint that does not fit is left out, and a shorter one behind it may still fit. `text` loses
    its beginning.
    """
    said: list[str] = []
    tokens: list[int] = []
    seen: set[str] = set()
    for hint in hints:
        plain = " ".join(hint.split())
        if not plain or plain.casefold() in seen:
            continue
        seen.add(plain.casefold())
        # A hint longer than the whole limit in letters need not be looked at: it may be a book.
        if len(plain) > 8 * hint_tokens:
            continue
        more = list(encode(f", {plain}" if said else f" {plain}"))
        if len(tokens) + len(more) <= hint_tokens:
            said.append(plain)
            tokens += more
    parts = [", ".join(said)] if said else []
    if plain := " ".join(text.split()):
        tokens += list(encode(f". {plain}" if said else f" {plain}"))[-TEXT_TOKENS:]
        parts.append(plain)
    return Prompt(". ".join(parts), tuple(tokens))


def text_before(
    language: str, languages: Sequence[str], *, prompt: str, is_mixed_wanted: bool
) -> str:
    """What goes before speech in `language` on a call of `languages`."""
    if prompt:
        return prompt
    is_mixed = is_mixed_wanted and language != "en" and "en" in languages
    return MIXED.get(language, "") if is_mixed else ""
