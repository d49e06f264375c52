"""Streamed text in pieces to be spoken: the first at the first breath, the others as sentences.

    splitter = ClauseSplitter("en")
    splitter.feed("Of course, I can he")    [Piece("Of course,", ends_sentence=False)]
    splitter.feed("lp. Which order? ")      [Piece("I can help.", ends_sentence=True)]
    splitter.finish()                       [Piece("Which order?", ends_sentence=True)]

Pure and incremental: how the text is cut into deltas never changes the pieces. A piece is given
as soon as no further text could change it, which needs the start of the word after it.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from speech.clause_edges import ENDS, Edge, Next, edge, has_word, words_of

FIRST_CLAUSE_WORDS = 2
"""The first piece ends with the first clause of at least so many words. At 1, "Yes," is spoken
alone and its 0.3 s are over before a slow voice has the next piece."""

FIRST_TURN_WORDS = 4
"""Or before "but", "because" and their like, after so many words."""

FIRST_LONGEST_WORDS = 8
"""Or, where there is no sign at all, at the first word's end after so many words: about 3 s of
speech, time enough to make the next piece. Numbers and what belongs to them stay whole."""

LONGEST_PIECE_CHARS = 200
"""A sentence longer than this is broken at its last clause, else at a word, else anywhere: 12 s
of speech. Neural voices lose their way in longer ones (XTTS names 250 characters for English)."""

_EARLIEST_BREAK = 3  # a limit's break uses a clause only after 1/3 of the limit
_GRAPHEME_CHARS = 20  # how far a cut inside a word moves to stay out of a syllable or an emoji

_LOOK_AHEAD_CHARS = 32  # of the next word, all that decides what lies before it

_ADDRESS = re.compile(r"://|^www\.|@|^[\w.-]+\.[a-z]{2,6}[/?]", re.IGNORECASE)
_INNER_END = re.compile(
    rf"[।॥][{ENDS}.]*[\"'”’)\]]*(?=\w)"
    r"|[!?]+[\"'”’)\]]*(?=[A-Z\u0904-\u0939])"
    r"|(?<=\w)—(?=\w)"
)
_JOINERS = "\u200c\u200d"
_VIRAMA = "\u094d"


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text to be spoken in one go, without white space around it.

    It holds a word unless the text holds none, or is over after signs that belong to nothing.
    """

    text: str
    ends_sentence: bool  # silence follows; after a clause none does


@dataclass(slots=True)
class _Token:
    """A word with the signs around it, or signs alone."""

    gap: str  # the white space before it
    text: str
    is_word: bool
    edge: Edge = Edge.UNKNOWN  # what ends with it


class ClauseSplitter:
    """One text, from its first delta to `finish`."""

    def __init__(self, language: str, *, longest_chars: int = LONGEST_PIECE_CHARS) -> None:
        """`language` is ISO 639-1 (en, hi, mr), a region is ignored; `longest_chars` of a piece.

        Raises:
            LanguageUnsupported: there are no tables for it.
            ValueError: `longest_chars` is under 40, too little for a name and its number.
        """
        if longest_chars < 2 * _GRAPHEME_CHARS:
            raise ValueError(f"longest_chars must be {2 * _GRAPHEME_CHARS} or more")
        self._words = words_of(language)
        self._longest_chars = longest_chars
        # One character over the limit tells that a word is longer than it.
        self._run = re.compile(rf"(\s*)(\S{{1,{longest_chars + 1}}})")
        self._text = ""  # what has come and is not in a token yet
        self._is_over = False
        self._tokens: list[_Token] = []  # not in a piece yet
        self._spoken = ""  # the last word with all the signs behind it
        self._is_first = True  # no piece was given yet
        self._sentence_words = 0  # read in this sentence so far

    def feed(self, delta: str) -> list[Piece]:
        """Take more text, of any length; the pieces that became certain."""
        self._text += delta
        return list(self._advance())

    def finish(self) -> list[Piece]:
        """The text is over: the rest of its pieces. Feed no more."""
        self._is_over = True
        return list(self._advance())

    def _advance(self) -> Iterator[Piece]:
        read = 0  # of the text, in characters
        while run := self._run.match(self._text, read):
            is_complete = self._is_over or run.end() < len(self._text)
            if self._tokens and self._tokens[-1].edge is Edge.UNKNOWN:
                found = self._edge_before(run[1], run[2], is_complete)
                if found is Edge.UNKNOWN:
                    break
                self._tokens[-1].edge = found
                yield from self._ripe(found)
            if not is_complete:
                break
            text = self._first_token(run[2])
            read = run.end(1) + len(text)
            self._append(_Token(run[1], text, has_word(text)))
            while self._is_overlong():
                yield self._take(self._best_break(), ends_sentence=False)
        self._text = self._text[read:]
        if self._is_over and self._tokens:
            yield self._take(len(self._tokens), ends_sentence=True)

    def _edge_before(self, gap: str, run: str, is_complete: bool) -> Edge:
        is_enough = is_complete or len(run) >= _LOOK_AHEAD_CHARS
        return edge(
            self._spoken,
            Next(gap, run[:_LOOK_AHEAD_CHARS], is_enough),
            self._words,
            starts_sentence=self._sentence_words <= 1,
        )

    def _first_token(self, run: str) -> str:
        """The first token of what lies between white spaces, or is over the limit."""
        if len(run) > self._longest_chars:
            run = run[: _cut(run, self._longest_chars)]
        inner = None if _ADDRESS.search(run) else _INNER_END.search(run)
        return run[: inner.end()] if inner else run

    def _append(self, token: _Token) -> None:
        joins_back = self._tokens and self._tokens[-1].edge is Edge.GLUED and not token.is_word
        self._spoken = self._spoken + token.gap + token.text if joins_back else token.text
        self._sentence_words += token.is_word
        self._tokens.append(token)

    def _ripe(self, found: Edge) -> Iterator[Piece]:
        """The piece that ends with the last token, if one does."""
        words = sum(token.is_word for token in self._tokens)
        if found is Edge.SENTENCE:
            if words:
                yield self._take(len(self._tokens), ends_sentence=True)
                self._sentence_words = 0
            return
        least = {
            Edge.CLAUSE: FIRST_CLAUSE_WORDS,
            Edge.TURN: FIRST_TURN_WORDS,
            Edge.WORD: FIRST_LONGEST_WORDS,
        }
        if self._is_first and found in least and words >= least[found]:
            yield self._take(len(self._tokens), ends_sentence=False)

    def _is_overlong(self) -> bool:
        return len(self._tokens) > 1 and _length(self._tokens) > self._longest_chars

    def _best_break(self) -> int:
        """How many tokens make the longest good piece that keeps the limit."""
        fitting = range(len(self._tokens) - 1, 0, -1)
        for least_edge in (Edge.TURN, Edge.WORD, Edge.LEANING):
            for count in fitting:
                if _length(self._tokens[:count]) * _EARLIEST_BREAK < self._longest_chars:
                    break
                if self._tokens[count - 1].edge >= least_edge:
                    return count
        return len(self._tokens) - 1

    def _take(self, count: int, *, ends_sentence: bool) -> Piece:
        """The first `count` tokens as a piece."""
        text = "".join(token.gap + token.text for token in self._tokens[:count]).strip()
        del self._tokens[:count]
        self._is_first = False
        return Piece(text, ends_sentence)


def pieces(text: str, language: str, *, longest_chars: int = LONGEST_PIECE_CHARS) -> list[Piece]:
    """All pieces of a text that is known whole.

    Raises:
        LanguageUnsupported: there are no tables for `language`.
    """
    splitter = ClauseSplitter(language, longest_chars=longest_chars)
    return [*splitter.feed(text), *splitter.finish()]


def _length(tokens: list[_Token]) -> int:
    """In characters, without the white space around."""
    return sum(len(token.gap) + len(token.text) for token in tokens) - len(tokens[0].gap)


def _cut(run: str, limit: int) -> int:
    """Where to cut a word of over `limit` characters: the last place that parts no syllable."""
    for place in range(limit, limit - _GRAPHEME_CHARS, -1):
        after, before = run[place], run[place - 1]
        is_modifier = "\U0001f3fb" <= after <= "\U0001f3ff"  # the tone of a skin
        if unicodedata.category(after)[0] == "M" or after in _JOINERS or is_modifier:
            continue
        if before not in _JOINERS and before != _VIRAMA:
            return place
    return limit
