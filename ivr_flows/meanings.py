"""Which answers count at a node, and what one of them leads to."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from ivr_flows.answers import Choice
from ivr_flows.flow import (
    Anytime,
    CollectNode,
    Flow,
    MenuChoice,
    MenuNode,
    Node,
    Value,
)

Builtin = Literal["yes", "no", "repeat", "operator"]
NEXT_LANGUAGE = "next_language"  # where a Means leads to "the language after this one"


@dataclass(frozen=True, slots=True)
class Means:
    """One answer: how it is given, and what follows."""

    name: str
    keys: tuple[str, ...]
    phrases: tuple[str, ...]
    builtin: Builtin | None = None
    then: str | None = None
    repeat: bool = False
    language: str | None = None
    sets: tuple[tuple[str, Value], ...] = ()

    @property
    def choice(self) -> Choice:
        """The same for `answers.choose`, to which a digit also means that number spoken."""
        spoken_keys = tuple(key for key in self.keys if key.isdigit())
        return Choice(self.name, (*self.phrases, *spoken_keys), self.builtin)


def means_at(flow: Flow, node: Node, language: str) -> tuple[Means, ...]:
    """The answers that count at `node`: a menu's own first, then those that count anywhere."""
    own = tuple(_own(flow, node, language))
    names = {means.name for means in own}
    everywhere = (means for means in _anywhere(flow, language) if means.name not in names)
    if isinstance(node, CollectNode):
        taken = set("0123456789") | {node.finish_key}
        everywhere = (_without_keys(means, taken) for means in everywhere)
    return (*own, *everywhere)


def _own(flow: Flow, node: Node, language: str) -> Iterator[Means]:
    if not isinstance(node, MenuNode):
        return
    for name, choice in node.choices.items():
        yield Means(
            name=name,
            keys=choice.keys,
            phrases=_in_language(flow, choice, language),
            builtin=choice.builtin,
            then=choice.then,
            repeat=choice.repeat,
            language=choice.language,
            sets=tuple(choice.set.items()),
        )


def _anywhere(flow: Flow, language: str) -> Iterator[Means]:
    anywhere = flow.anywhere
    if repeat := anywhere.repeat:
        phrases = _in_language(flow, repeat, language)
        yield Means("repeat", repeat.keys, phrases, "repeat", repeat=True)
    if operator := anywhere.operator:
        phrases = _in_language(flow, operator, language)
        yield Means("operator", operator.keys, phrases, "operator", then=operator.then)
    for code, switch in anywhere.languages.items():
        yield Means(f"language_{code}", switch.keys, switch.phrases, language=code)
    if following := anywhere.next_language:
        phrases = _in_language(flow, following, language)
        yield Means(NEXT_LANGUAGE, following.keys, phrases, language=_after(flow, language))


def _after(flow: Flow, language: str) -> str:
    place = flow.languages.index(language) if language in flow.languages else -1
    return flow.languages[(place + 1) % len(flow.languages)]


def _in_language(flow: Flow, given: MenuChoice | Anytime, language: str) -> tuple[str, ...]:
    for code in flow.languages_for(language):
        if code in given.phrases:
            return given.phrases[code]
    return ()


def _without_keys(means: Means, taken: set[str]) -> Means:
    return replace(means, keys=tuple(key for key in means.keys if key not in taken))
