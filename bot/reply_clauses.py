"""A model's words as they stream, cut into clauses that can be spoken in one go. Pure."""

import re

from speech.clauses import ClauseSplitter, Piece
from speech.errors import LanguageUnsupported

LONGEST_PLACEHOLDER = 80
"""Characters that are waited for behind a bracket; more is no placeholder."""

_PLACEHOLDER = re.compile(r"\{\{?[^{}]*\}\}?")
_ENDS = ".!?।…\"'”)"


class ReplyClauses:
    """One reply. A placeholder, `{{ amount | money }}`, is never cut in two."""

    def __init__(self, language: str) -> None:
        """`language`: ISO 639-1; one without tables is cut as English is."""
        try:
            self._splitter = ClauseSplitter(language)
        except LanguageUnsupported:
            self._splitter = ClauseSplitter("en")
        self._waiting = ""  # from an open bracket on
        self._has_begun = False

    def feed(self, text: str) -> list[str]:
        """More of the reply; the clauses that are whole by it."""
        whole, self._waiting = _without_open(self._waiting + text)
        return self._given(self._splitter.feed(_PLACEHOLDER.sub(_joined, whole)))

    def finish(self, *, is_cut: bool = False) -> list[str]:
        """The rest. `is_cut`: the reply was too long: what is left of it is no whole sentence, and
        is left out where something has been said."""
        had_begun = self._has_begun
        rest = self._splitter.feed(_PLACEHOLDER.sub(_joined, self._waiting))
        clauses = self._given([*rest, *self._splitter.finish()])
        if is_cut and clauses and had_begun and clauses[-1][-1] not in _ENDS:
            del clauses[-1]
        return clauses

    def _given(self, pieces: list[Piece]) -> list[str]:
        clauses = [piece.text for piece in pieces if piece.text]
        self._has_begun |= bool(clauses)
        return clauses


def _joined(match: re.Match[str]) -> str:
    return re.sub(r"\s+", "", match[0])


def _without_open(text: str) -> tuple[str, str]:
    """The text up to a bracket that has not been closed yet, and the rest."""
    closed = max(text.rfind("}"), -1)
    at = text.find("{", closed + 1)
    if at < 0:
        # One of the two closing brackets may be still to come.
        if text.endswith("}") and not text.endswith("}}") and "{{" in text:
            at = text.rfind("{{")
        else:
            return text, ""
    if len(text) - at > LONGEST_PLACEHOLDER:
        return text, ""
    return text[:at], text[at:]
