"""What a model's words must pass before they are spoken; pure.

The model is told the same rules, and mostly keeps them. What is here holds when it doesn't: a
figure that the call does not know, a promise of money, a piece of its own instructions.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from ivr_flows.errors import TemplateInvalid
from ivr_flows.flow import Guard, Value
from ivr_flows.prompts import render
from ivr_flows.variables import clean
from ivr_flows.wording.calendar_days import days_known, days_said
from ivr_flows.wording.figures import figures_in, figures_noted, figures_said
from ivr_flows.wording.promises import promises_money

Reason = Literal["figure", "blank", "promise", "secret"]

LEAK_WORDS = 6
"""So many words in a row of the instructions are a leak. The first clause of a reply may be only
eight words long, so more would let a piece out; fewer, and "for the order number" is one."""

_FORMATS = "money|number|digits|time|date|listed"
_PLACEHOLDER = re.compile(
    r"\{{1,2}\s*([a-z][a-z0-9_]{0,39})\s*(?:\|\s*(" + _FORMATS + r")\s*)?\}{1,2}"
)
_BLANK = re.compile(r"\{{1,2}\s*[a-zA-Z][\w .|]{0,80}\}{1,2}")  # a placeholder not filled
_CITATION = re.compile(r"\s*\[(\d{1,2}(?:\s*,\s*\d{1,2})*)\]")
_MARKUP = re.compile(r"[*_`#>~|]+|^\s*[-•]\s+|\[([^\]]*)\]\([^)]*\)")
_INNER = re.compile(
    r"<\|?/?(?:tool|function|think|system|data|im_)|\{\s*\"|\"(?:name|arguments)\"\s*:"
    r"|\b(?:talk_to_person|end_call|set_variables|look_up)\b|\{\{|\}\}"
)
_ABOUT_ITSELF = re.compile(
    r"\b(?:system prompt|my (?:instructions|prompt|rules|guidelines) (?:are|is|say|tell|state)"
    r"|here (?:are|is) my (?:instructions|prompt|rules)"
    r"|i (?:was|am|have been|'m|’m) (?:instructed|programmed|told) (?:to|not|never))\b"
    r"|मेरे निर्देश (?:हैं|ये|यह)|माझ्या सूचना (?:अशा|आहेत)",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*", re.UNICODE)

SAFE: Mapping[str, Mapping[Reason, str]] = {
    "en": {
        "figure": "I can't tell you that for certain.",
        "blank": "I can't tell you that just now.",
        "promise": "I can't promise anything about money, but a colleague can look into it.",
        "secret": "I can't talk about that. Let us get back to your matter.",
    },
    "hi": {
        "figure": "यह मैं पक्के तौर पर नहीं बता सकती।",
        "blank": "यह मैं अभी नहीं बता सकती।",
        "promise": "पैसों के बारे में मैं कोई वादा नहीं कर सकती, हमारे साथी इसे देख सकते हैं।",
        "secret": "इस बारे में मैं बात नहीं कर सकती। आपके काम की बात करते हैं।",
    },
    "mr": {
        "figure": "हे मी खात्रीने सांगू शकत नाही.",
        "blank": "हे मी आत्ता सांगू शकत नाही.",
        "promise": "पैशांबद्दल मी कोणतंही वचन देऊ शकत नाही, आमचे सहकारी ते पाहू शकतात.",
        "secret": "याबद्दल मी बोलू शकत नाही. तुमच्या कामाचं बोलूया.",
    },
}
"""Said in the place of what may not be said, where the node has no words of its own."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the call knows when a clause is about to be spoken."""

    sources: tuple[str, ...]  # texts whose figures may be said
    secrets: tuple[str, ...]  # texts that may not be told
    variables: Mapping[str, Value]  # by name, those that the model may have spoken
    language: str  # ISO 639-1
    reports: tuple[str, ...] = ()  # of tools, of money: what they report as done may be told
    inner: tuple[str, ...] = ()  # names of tools that are no words of a language


@dataclass(frozen=True, slots=True)
class Judged:
    """A clause as it may be spoken, or why it may not."""

    text: str
    cites: tuple[int, ...] = ()  # numbers of passages, from 1
    reason: Reason | None = None
    detail: str = ""  # for the log: which figure


def judge(clause: str, before: str, known: Known, guard: Guard) -> Judged:
    """`clause` behind `before`, what was spoken of the reply so far."""
    cites = tuple(int(n) for each in _CITATION.findall(clause) for n in re.findall(r"\d+", each))
    text, own = _filled(_CITATION.sub("", clause), known)
    is_blank = _BLANK.search(text) is not None
    text = _BLANK.sub(" ", text)
    is_inner = _INNER.search(text) is not None or _names_tool(text, known.inner)
    text = clean(_MARKUP.sub(_kept, text))
    if is_inner or _ABOUT_ITSELF.search(text) or _leaks(text, before, known.secrets):
        return Judged("", reason="secret")
    if is_blank:
        return Judged("", reason="blank")
    if guard.numbers:
        strange = figures_said(text, known.language) - _figures(known.sources) - figures_in(own)
        strange |= days_said(text) - _days(known.sources) - days_known(own)
        if strange:
            return Judged("", reason="figure", detail=", ".join(sorted(strange)))
    sentence = f"{_last_sentence(before)} {text}"
    if guard.promises and promises_money(sentence, known.reports):
        return Judged("", reason="promise")
    return Judged(text, cites)


def _names_tool(text: str, names: Iterable[str]) -> bool:
    """Whether one of the names stands there, before its "_" is taken for markup."""
    written = text.replace("\\", "").casefold()
    return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", written) for name in names)


def _kept(match: re.Match[str]) -> str:
    return match[1] or ""


def _filled(text: str, known: Known) -> tuple[str, str]:
    """The text with its placeholders filled, and what filled them: those figures are known."""
    filled: list[str] = []

    def value(match: re.Match[str]) -> str:
        name, form = match[1], match[2]
        if known.variables.get(name) is None:
            return match[0]
        source = f"{{{{ {name} | {form} }}}}" if form else f"{{{{ {name} }}}}"
        try:
            rendered = render(source, known.variables, known.language)
        except TemplateInvalid:
            return match[0]
        filled.append(rendered)
        return rendered

    return _PLACEHOLDER.sub(value, text), " ".join(filled)


@lru_cache(maxsize=256)
def _figures(sources: tuple[str, ...]) -> frozenset[str]:
    return frozenset(figure for source in sources for figure in figures_in(source))


@lru_cache(maxsize=256)
def _days(sources: tuple[str, ...]) -> frozenset[str]:
    return frozenset(day for source in sources for day in days_known(source))


def unknown_figures(text: str, sources: tuple[str, ...]) -> frozenset[str]:
    """The figures of a text that none of `sources` has."""
    return figures_in(text) - _figures(sources)


def figures_nobody_gave(
    values: Iterable[Value], language: str, sources: tuple[str, ...]
) -> frozenset[str]:
    """The figures in values that a model gives, of any size, that none of `sources` has."""
    noted: set[str] = set()
    for value in values:
        for item in value if isinstance(value, tuple) else (value,):
            if not isinstance(item, bool) and item is not None:
                noted |= figures_noted(str(item), language)
    return frozenset(noted) - _figures(sources)


def _last_sentence(text: str) -> str:
    return re.split(r"[.!?।॥]\s", text)[-1] if not re.search(r"[.!?।॥]\s*$", text) else ""


def _leaks(clause: str, before: str, secrets: Iterable[str]) -> bool:
    words = _words(before)[-(LEAK_WORDS - 1) :] + _words(clause)
    said = {words[at : at + LEAK_WORDS] for at in range(len(words) - LEAK_WORDS + 1)}
    return any(not said.isdisjoint(_rows(secret)) for secret in secrets)


@lru_cache(maxsize=256)
def _rows(secret: str) -> frozenset[tuple[str, ...]]:
    words = _words(secret)
    return frozenset(words[at : at + LEAK_WORDS] for at in range(len(words) - LEAK_WORDS + 1))


def _words(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(text.casefold()))


def safe_words(reason: Reason, language: str) -> str:
    """What is said instead, in the language or in English."""
    return SAFE.get(language, SAFE["en"])[reason]
