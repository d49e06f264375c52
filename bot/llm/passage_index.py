"""Passages in SQLite's full-text index, found by their words (BM25). In memory; one thread at a
time."""

import sqlite3
import threading
from collections.abc import Iterable

from bot.llm.search_words import sounds_of_text, spellings, words_asked, words_of_text

_WEIGHTS = (2.5, 1.0, 0.4)
"""Of a word in the heading, in the text, and of a word that only sounds like one of the passage's.
A heading says what its passage is about; a sound alone ("the" and "दे") is a hint."""

_MADE = """
CREATE VIRTUAL TABLE words USING fts5(
    heading, body, sound,
    tokenize = "porter unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc'"
)
"""
_FOUND = """
SELECT rowid, -bm25(words, ?, ?, ?) FROM words WHERE words MATCH ?
ORDER BY bm25(words, ?, ?, ?), rowid LIMIT ?
"""


class PassageIndex:
    """Numbers of passages, in the order in which they were added, by what is asked."""

    def __init__(self) -> None:
        """Make it, empty. It may be used from any thread."""
        self._database = sqlite3.connect(":memory:", check_same_thread=False)
        self._lock = threading.Lock()
        self._database.execute(_MADE)

    def add(self, passages: Iterable[tuple[str, str]]) -> None:
        """Add passages: (heading, text)."""
        rows = (
            (
                " ".join(words_of_text(heading)),
                " ".join(words_of_text(text)),
                " ".join(sounds_of_text(f"{heading}\n{text}")),
            )
            for heading, text in passages
        )
        with self._lock, self._database:
            self._database.executemany("INSERT INTO words VALUES (?, ?, ?)", rows)

    def find(self, question: str, limit: int) -> list[tuple[int, float]]:
        """(number from 0, score) of the passages that share a word with a question, best first.

        Any text may be asked: nothing in it is taken for the index's own language.
        """
        words, sounds = spellings(words_asked(question))
        if not words or limit < 1:
            return []
        wanted = f"{{heading body}} : ({_any(words)})"
        if sounds:
            wanted += f" OR {{sound}} : ({_any(sounds)})"
        with self._lock:
            rows = self._database.execute(_FOUND, (*_WEIGHTS, wanted, *_WEIGHTS, limit)).fetchall()
        return [(int(number) - 1, float(score)) for number, score in rows]

    def close(self) -> None:
        """Give its memory back."""
        with self._lock:
            self._database.close()


def _any(words: list[str]) -> str:
    return " OR ".join('"' + word.replace('"', '""') + '"' for word in words)
