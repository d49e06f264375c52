"""Where in a sentence the phrases of a lexicon stand, by spelling and by sound.

A phrase is looked for as one run of letters without blanks, so that "theekhai" and "can firm"
meet "theek hai" and "confirm" at once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz, process
from rapidfuzz.distance import Levenshtein

from ivr_flows.wording.sounds import fold, sound_key
from ivr_flows.wording.utterance import Word
from ivr_flows.wording.vocabulary import Manner, Phrase, Role

# How sure a match of each kind is. All but the first were set with the tables of
# tests/ivr_flows: higher, and unrelated words are taken for answers when they sound alike;
# lower than 0.75, and a recogniser's slip is never understood.
_EXACT = 1.0
_ENDING = 0.96  # confirms, confirming
_SAME_SOUND = 0.84
_ONE_LETTER = 0.84
_ONE_OF_MANY_LETTERS = 0.9
_TWO_LETTERS = 0.8
_SCATTERED = 0.88  # all words of the phrase, with others between them or in another order

_LONGEST_WINDOW = 6
_LONGEST_SLIP = 3  # words that a recogniser writes for one
# Sentences with more words than this get exact matches only: they are no confident answer
# anyway, and near matches are what costs time.
_WORDS_WITH_SLIPS = 14
_SHORTEST_SOUND = 3
_SHORTEST_SPELLING = 6
_LETTERS_FOR_TWO = 9  # from here on two letters may be wrong
_ENDINGS = ("ing", "ed", "es", "s", "d")
_SHORTEST_STEM = 4


@dataclass(frozen=True, slots=True)
class Entry:
    """A phrase and the choice that it stands for."""

    phrase: Phrase
    choice: int | None  # index among the choices; None for one of no choice
    polarity: str = ""  # "yes" or "no" where the choice is one of the two

    @property
    def role(self) -> Role:
        return self.phrase.role

    @property
    def manner(self) -> Manner:
        return self.phrase.manner


@dataclass(frozen=True, slots=True)
class Match:
    entry: Entry
    start: int
    stop: int
    quality: float  # 0..1
    taken: frozenset[int]  # the words that the phrase explains


class Lexicon:
    """Phrases to look for, prepared once."""

    def __init__(self, entries: Sequence[Entry], fillers: frozenset[str]) -> None:
        self._fillers = fillers
        self._by_fold: dict[str, list[Entry]] = {}
        self._by_sound: dict[str, list[Entry]] = {}
        self._by_initial: dict[str, list[str]] = {}
        self._scattered: list[tuple[Entry, frozenset[str]]] = []
        for entry in entries:
            self._add(entry)
        self._stems = {word: word for _, words in self._scattered for word in words}

    def _add(self, entry: Entry) -> None:
        phrase = entry.phrase
        folded = phrase.folded
        owners = self._by_fold.setdefault(folded, [])
        # "theekhai" folds to other letters than "theek hai".
        self._by_fold.setdefault(fold("".join(word.latin for word in phrase.words)), owners)
        if any(owner.choice == entry.choice and owner.role == entry.role for owner in owners):
            return
        is_first = not owners
        owners.append(entry)
        # A negation that only sounds like one ("I want") must not turn anything around.
        if phrase.manner.alone or entry.role is not Role.MEANS:
            return
        if is_first and len(folded) >= _SHORTEST_SPELLING:
            self._by_initial.setdefault(folded[0], []).append(folded)
        sound = sound_key("".join(word.latin for word in phrase.words))
        if len(sound) >= _SHORTEST_SOUND and len(folded) >= 5:
            self._by_sound.setdefault(sound, []).append(entry)
        content = frozenset(w.folded for w in phrase.words) - self._fillers
        if len(content) < 2 and not phrase.meaning:
            # "order status" of a flow: its "order" counts, though it changes little elsewhere.
            content = frozenset(w.folded for w in phrase.words if len(w.folded) > 2)
        if len(content) > 1 and not phrase.manner.is_interjection:
            self._scattered.append((entry, content))

    def matches(self, words: Sequence[Word]) -> list[Match]:
        """Every place where a phrase may stand; they overlap."""
        found: list[Match] = []
        with_slips = len(words) <= _WORDS_WITH_SLIPS
        for start in range(len(words)):
            for stop in range(start + 1, min(len(words), start + _LONGEST_WINDOW) + 1):
                window = words[start:stop]
                taken = frozenset(range(start, stop))
                near = with_slips and stop - start < _LONGEST_WINDOW
                found += [
                    Match(entry, start, stop, quality, taken)
                    for entry, quality in self._owners(window, with_slips=near)
                ]
        found += self._scattered_matches(words)
        return _undominated(found)

    def _owners(self, window: Sequence[Word], *, with_slips: bool) -> Iterable[tuple[Entry, float]]:
        folded = "".join(word.folded for word in window)
        exact = self._by_fold.get(folded)
        if exact is not None:
            return [(entry, _EXACT) for entry in exact]
        if len(window) == 1:
            if folded in self._fillers:
                return ()
            for ending in _ENDINGS:
                stem = folded.removesuffix(ending)
                if stem != folded and len(stem) >= _SHORTEST_STEM and stem in self._by_fold:
                    return [(entry, _ENDING) for entry in self._by_fold[stem]]
        if not with_slips or len(folded) < 5:
            return ()
        if all(word.folded in self._fillers for word in window):  # "I need a", for "in Hindi"
            return ()
        return self._slips(window, folded)

    def _slips(self, window: Sequence[Word], folded: str) -> list[tuple[Entry, float]]:
        sound = sound_key("".join(word.latin for word in window))
        slips = [
            (entry, _SAME_SOUND)
            for entry in self._by_sound.get(sound, ())
            if len(window) <= _LONGEST_SLIP
            and (len(sound) > 3 or fuzz.ratio(folded, entry.phrase.folded) >= 60)
        ]
        if len(folded) < _SHORTEST_SPELLING:
            return slips
        letters = 2 if len(folded) >= _LETTERS_FOR_TWO and len(window) == 1 else 1
        for near, distance, _ in process.extract(
            folded,
            self._by_initial.get(folded[0], ()),
            scorer=Levenshtein.distance,
            score_cutoff=letters,
            limit=3,
        ):
            if distance == 2:
                quality = _TWO_LETTERS
            else:
                is_long = len(folded) >= _LETTERS_FOR_TWO
                quality = _ONE_OF_MANY_LETTERS if is_long else _ONE_LETTER
            slips += [(entry, quality) for entry in self._by_fold[near]]
        return slips

    def _scattered_matches(self, words: Sequence[Word]) -> list[Match]:
        places: dict[str, int] = {}
        for index, word in enumerate(words):
            stem = self._stem(word)
            if stem is not None:
                places.setdefault(stem, index)
        if len(places) < 2:
            return []
        present = places.keys()
        found: list[Match] = []
        for entry, content in self._scattered:
            if content <= present:
                taken = frozenset(places[word] for word in content)
                start, stop = min(taken), max(taken) + 1
                if stop - start <= len(entry.phrase.words) + 3:
                    found.append(Match(entry, start, stop, _SCATTERED, taken))
        return found

    def _stem(self, word: Word) -> str | None:
        if word.folded in self._stems:
            return word.folded
        for ending in _ENDINGS:
            stem = word.folded.removesuffix(ending)
            if len(stem) >= _SHORTEST_STEM and stem in self._stems:
                return stem
        return None


def _undominated(matches: list[Match]) -> list[Match]:
    """Without near matches that swallow a better one.

    "a confirm" sounds like "confirm" and holds it; "ho nahi" sounds like "haan" and holds a no.
    """
    sure = [m for m in matches if m.quality >= _ENDING and not m.entry.manner.yields]
    return [
        match
        for match in matches
        if match.quality in (_EXACT, _SCATTERED)
        or not any(
            other.quality > match.quality
            and match.start <= other.start
            and other.stop <= match.stop
            for other in (*sure, *(m for m in matches if m.entry.choice == match.entry.choice))
        )
    ]


def chosen(matches: Sequence[Match], words: Sequence[Word], fillers: frozenset[str]) -> list[Match]:
    """The matches that together explain most of the sentence without overlapping.

    Several choices that own the same words are all kept.
    """
    weights = [0.3 if word.folded in fillers else 1.0 for word in words]
    ending: dict[int, list[tuple[float, Match]]] = {}
    for match in matches:
        covered = sum(weights[index] for index in match.taken)
        # The small price of each match makes one phrase of two words beat two of one.
        ending.setdefault(match.stop, []).append((match.quality * covered - 0.05, match))
    best: list[tuple[float, Match | None, int]] = [(0.0, None, -1)]
    for stop in range(1, len(words) + 1):
        top: tuple[float, Match | None, int] = (best[stop - 1][0], None, stop - 1)
        for weight, match in ending.get(stop, ()):
            score = best[match.start][0] + weight
            if score > top[0]:
                top = (score, match, match.start)
        best.append(top)
    picked: list[Match] = []
    at = len(words)
    while at > 0:
        _, match, before = best[at]
        if match is not None:
            picked.append(match)
        at = before
    picked.reverse()
    return [
        match
        for kept in picked
        for match in matches
        if match is kept
        or (
            (match.start, match.stop, match.quality) == (kept.start, kept.stop, kept.quality)
            and match.entry.choice != kept.entry.choice
        )
    ]
