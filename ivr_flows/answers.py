"""From what was said to what was meant: one of a menu's choices, yes or no, a number.

Words are compared by spelling and by sound, in Latin letters and Devanagari, in three languages
at once; see `vocabulary` for the phrases and `phrase_matching` for how they are found. Nothing
here raises for any text: what isn't understood is no choice, at confidence 0.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from ivr_flows.wording.negated_numbers import holds_denial
from ivr_flows.wording.phrase_matching import Entry, Lexicon
from ivr_flows.wording.spoken_durations import minutes_in
from ivr_flows.wording.spoken_numbers import digits_in, number_in, quantities_in
from ivr_flows.wording.utterance import Word, folds_of, words_of
from ivr_flows.wording.vocabulary import (
    AGREES,
    DOES,
    HOLD,
    SAYS,
    Manner,
    Phrase,
    Role,
    Vocabulary,
    vocabulary,
)
from ivr_flows.wording.weighing import DOUBTED, Rules, weigh

__all__ = [
    "DOUBTED",
    "HIGH_CONFIDENCE",
    "Choice",
    "Meaning",
    "asks_for_time",
    "choose",
    "digits_in",
    "holds_denial",
    "minutes_in",
    "number_in",
    "shared_phrases",
    "yes_or_no",
]

HIGH_CONFIDENCE = 0.75
"""From here on an answer is acted on; below, it is asked again. Set with the tables of
tests/ivr_flows: lower, and unrelated sentences confirm orders; higher, and a plain "I confirm"
in a bad line's spelling is asked again."""

# "I can't do it" is heard as "I can do it" on a telephone, and the recogniser is sure of it (0.98
# for a voice that swallows its t). Below HIGH_CONFIDENCE: asked about.
_CAN_OR_CAN_NOT = 0.7
# Acted on alone; with one word beside it that isn't understood, asked about.
_KEY_WORD = Manner(0.85)
_SHORTEST_KEY_WORD = 4
_QUESTIONS = folds_of(
    "where when what which who whom whose how why kahan kaha kidhar kab kaun kon kaise kyun kitna"
    " kitne kuthe kadhi kasa kashi kiti konta more next other another area number कहाँ कब कौन"
)
# "two" and nothing else, where a menu counts its choices.
_BY_NUMBER = 0.9
_AROUND_A_NUMBER = folds_of(
    "number press option key button choice dabaya dabao daba dabata namber the it is my i hai"
)


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing that the caller may mean at a menu."""

    name: str
    phrases: tuple[str, ...] = ()  # a phrase of digits ("2") is met by "two", "option do", ...
    builtin: str | None = None  # "yes", "no", "repeat", "operator": adds that meaning's phrases


@dataclass(frozen=True, slots=True)
class Meaning:
    """What was meant, as far as can be told."""

    choice: str | None  # the choice's name; None when no choice or more than one was said
    confidence: float  # 0..1; act from HIGH_CONFIDENCE on, else ask again
    is_ambiguous: bool = False  # two choices were said: "yes no"


_NOTHING = Meaning(None, 0.0)
_CONTRADICTION = Meaning(None, 0.0, is_ambiguous=True)
_YES_OR_NO = (Choice("yes", (), "yes"), Choice("no", (), "no"))


@dataclass(frozen=True, slots=True)
class _Menu:
    rules: Rules
    numbers: dict[int, int]  # what the caller may say as a number -> index of the choice
    passed: frozenset[str]  # folded words that may stand beside that number


def choose(text: str, choices: Sequence[Choice], language: str) -> Meaning:
    """Which of a menu's choices a text means. `language`: ISO 639-1, decides collisions."""
    words = words_of(text)
    if not words or not choices:
        return _NOTHING
    return _choose(words, tuple(choices), language)


def yes_or_no(text: str, language: str) -> Meaning:
    """Whether a text is a yes or a no: choice "yes", "no" or None."""
    return choose(text, _YES_OR_NO, language)


def asks_for_time(text: str, language: str) -> bool:
    """Whether the words hold a "wait", a "hold on", an "ek minute": no duration is promised."""
    said = tuple(word.folded for word in words_of(text))
    return any(
        said[at : at + len(phrase)] == phrase
        for phrase in _holds(language)
        for at in range(len(said) - len(phrase) + 1)
    )


@lru_cache(maxsize=8)
def _holds(language: str) -> frozenset[tuple[str, ...]]:
    return frozenset(
        tuple(word.folded for word in phrase.words)
        for phrase in vocabulary(language).phrases
        if phrase.meaning == HOLD
    )


def shared_phrases(choices: Sequence[Choice], language: str) -> list[tuple[str, str, str]]:
    """(phrase, a choice, another choice) for each phrase of a flow that two choices would claim.

    Found by what would be understood, so that two spellings of one word are found too.
    """
    clashes: list[tuple[str, str, str]] = []
    for choice in choices:
        for phrase in choice.phrases:
            others = [other for other in choices if other is not choice]
            rival = _owner_by_meaning(phrase, choice, others, language)
            if rival is not None:
                clashes.append((phrase, choice.name, rival))
                continue
            meaning = choose(phrase, choices, language)
            if meaning.choice == choice.name:
                continue
            rival = choose(phrase, others, language).choice
            if rival is not None:
                clashes.append((phrase, choice.name, rival))
    return clashes


def _owner_by_meaning(
    phrase: str, choice: Choice, others: Sequence[Choice], language: str
) -> str | None:
    """Another choice that the phrase belongs to by what it means, whatever the flow lists it for.

    "Two" is the key 2, and a plain "no" the builtin no: the listing would win, and the caller
    who was told "press two" be taken for the other choice. (A flow may well take a "what" from the
    builtin repeat: nothing is decided by that one.)
    """
    words = words_of(phrase)
    said = quantities_in(words, language)
    is_number = len(said) == 1 and (said[0].start, said[0].stop) == (0, len(words))
    known = vocabulary(language).by_fold.get("".join(word.folded for word in words))
    for other in others:
        numbers = {int(each) for each in other.phrases if each.strip().isdecimal()}
        if is_number and said[0].value in numbers and not phrase.strip().isdecimal():
            return other.name
        is_yes_or_no = other.builtin in ("yes", "no") and choice.builtin != other.builtin
        if known is not None and is_yes_or_no and known.meaning == other.builtin:
            return other.name
    return None


@lru_cache(maxsize=4096)
def _choose(words: tuple[Word, ...], choices: tuple[Choice, ...], language: str) -> Meaning:
    menu = _menu(choices, language)
    weighed = weigh(words, menu.rules)
    if weighed.is_contradiction:
        return _CONTRADICTION
    if weighed.is_doubted:  # nor is the "do" of "do you accept" a two
        return Meaning(choices[weighed.choice or 0].name, round(weighed.confidence, 3))
    number = _number_apart(words, menu, weighed.explained, language)
    if number is not None and number != weighed.choice:
        # "yes, two" where 2 is no; but in "haan kar do" (do it) no number was said.
        if weighed.confidence >= HIGH_CONFIDENCE:
            # A one beside it is mostly an article: "ek order chal raha hai".
            if menu.numbers.get(1) != number:
                return _CONTRADICTION
            return Meaning(choices[weighed.choice or 0].name, round(weighed.confidence, 3))
        return Meaning(choices[number].name, _BY_NUMBER)
    if weighed.choice is None:
        return _NOTHING
    choice, confidence = choices[weighed.choice], weighed.confidence
    if choice.builtin in ("yes", "no") and _may_lack_a_not(words, language):
        confidence = min(confidence, _CAN_OR_CAN_NOT)
    return Meaning(choice.name, round(confidence, 3))


def _may_lack_a_not(words: Sequence[Word], language: str) -> bool:
    """Whether an "I can" decides, and no yes or no beside it says that it was no "can't"."""
    written = ["", *(word.written for word in words), ""]
    threes = zip(written, written[1:], written[2:], strict=False)
    if not any(m == "can" and a in ("i", "we") and b != "not" for a, m, b in threes):
        return False
    known = vocabulary(language).by_fold
    same = (known.get(word.folded) for word in words)
    return not any(phrase is not None and phrase.manner is SAYS for phrase in same)


@lru_cache(maxsize=256)
def _menu(choices: tuple[Choice, ...], language: str) -> _Menu:
    """Everything that can be prepared for the choices of one menu."""
    known = vocabulary(language)
    builtins = {c.builtin: index for index, c in reversed(list(enumerate(choices))) if c.builtin}
    entries: list[Entry] = []
    numbers: dict[int, int] = {}
    own: set[str] = set()
    for index, choice in enumerate(choices):
        polarity = choice.builtin if choice.builtin in ("yes", "no") else ""
        for text in choice.phrases:
            words = words_of(text)
            phrase = Phrase(words, "", Role.MEANS, DOES)
            if len(words) == 1 and text.strip().isdecimal():
                numbers.setdefault(int(words[0].written), index)
            elif words:
                phrase = _as_known(phrase, choice, known)
                own.add(phrase.folded)
                entries.append(Entry(phrase, index, polarity or ""))
    entries += [entry for entry in _key_words(choices, known) if entry.phrase.folded not in own]
    for phrase in known.phrases:
        if phrase.folded in own:
            continue
        index = builtins.get(phrase.meaning)
        if index is not None:
            polarity = phrase.meaning if phrase.meaning in ("yes", "no") else ""
            entries.append(Entry(phrase, index, polarity))
        elif phrase.role is not Role.MEANS:
            entries.append(Entry(phrase, None))
        elif phrase.meaning in ("yes", "no") and phrase.manner in (SAYS, AGREES):
            # Where yes is no choice, "yes, order status" is about the order's status.
            entries.append(Entry(replace(phrase, role=Role.NEUTRAL), None))
    rules = Rules(
        lexicon=Lexicon(entries, known.fillers),
        language=language,
        hesitations=known.hesitations,
        fillers=known.fillers,
        yes=builtins.get("yes"),
        no=builtins.get("no"),
    )
    return _Menu(rules, numbers, known.hesitations | _AROUND_A_NUMBER)


def _key_words(choices: Sequence[Choice], known: Vocabulary) -> Iterator[Entry]:
    """The one word of weight in phrases such as "I am busy", where it tells one choice apart.

    Not for yes, no, repeat and operator, which have tables; nor words of question and denial,
    which stand in sentences of every meaning.
    """
    owners: dict[str, tuple[Word, set[int]]] = {}
    for index, choice in enumerate(choices):
        for text in () if choice.builtin else choice.phrases:
            words = words_of(text)
            content = [word for word in words if word.folded not in known.fillers]
            if len(content) == 1 and len(content[0].folded) >= _SHORTEST_KEY_WORD:
                owners.setdefault(content[0].folded, (content[0], set()))[1].add(index)
    for folded, (word, indices) in owners.items():
        same = known.by_fold.get(folded)
        is_free = same is None or same.manner.alone
        if len(indices) == 1 and is_free and folded not in _QUESTIONS:
            yield Entry(Phrase((word,), "", Role.MEANS, _KEY_WORD), min(indices))


def _as_known(phrase: Phrase, choice: Choice, known: Vocabulary) -> Phrase:
    """A flow may list a plain "yes" or "ok": they keep the manner of the vocabulary's."""
    same = known.by_fold.get(phrase.folded)
    if same is None or same.meaning != choice.builtin:
        return phrase
    if same.manner.alone and same.meaning not in ("yes", "no"):
        return phrase
    return replace(phrase, role=same.role, manner=same.manner)


def _number_apart(
    words: Sequence[Word], menu: _Menu, explained: frozenset[int], language: str
) -> int | None:
    """The choice whose number was said beside what a phrase explains: "two", "option do"."""
    if not menu.numbers:
        return None
    said = quantities_in(words, language)
    if len(said) != 1 or said[0].value not in menu.numbers:
        return None
    places = range(said[0].start, said[0].stop)
    if not explained.isdisjoint(places):
        return None
    around = (at for at in range(len(words)) if at not in places and at not in explained)
    if all(words[at].folded in menu.passed for at in around):
        return menu.numbers[int(said[0].value)]
    return None
