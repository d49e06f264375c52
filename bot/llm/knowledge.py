"""What the business has written down, and the passages of it that answer a question.

A folder of Markdown, text and PDF is indexed at the start: by words (BM25), and where an endpoint
for embeddings is configured by meaning too; the two rankings are then joined.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from loguru import logger

from bot.errors import EmbeddingFailed, StartFailed
from bot.llm.documents import Reading, read_folder
from bot.llm.passage_index import PassageIndex

if TYPE_CHECKING:
    from bot.llm.embeddings import Embedder, Vectors  # OpenAI's client comes with it

LONGEST_QUESTION = 500  # characters
MOST_PASSAGES = 20

_JOINED = 20  # of each ranking
_RANK_CONSTANT = 60
"""Of reciprocal rank fusion (Cormack, Clarke and Büttcher 2009, who found 60): the lower, the more
the first places count."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a document."""

    source: str  # the document's path inside of the folder, with /
    heading: str  # "Refunds > By card", "page 3"; "" where it has none
    text: str
    score: float  # higher is better; comparable within one search only


class KnowledgeBase:
    """One folder's passages. Any number of calls may search at once."""

    def __init__(
        self,
        passages: Sequence[Passage],
        index: PassageIndex,
        *,
        embedder: "Embedder | None",
        vectors: "Vectors | None",
        warnings: Sequence[str],
    ) -> None:
        """Use `open_knowledge`."""
        self._passages = tuple(passages)
        self._index = index
        self._embedder = embedder
        self._vectors = vectors
        self.warnings = tuple(warnings)  # "path: what is wrong, what to do"

    @property
    def size(self) -> int:
        """How many passages there are."""
        return len(self._passages)

    @property
    def sources(self) -> tuple[str, ...]:
        """The documents that were read."""
        return tuple(dict.fromkeys(passage.source for passage in self._passages))

    @property
    def knows_meaning(self) -> bool:
        """Whether passages are also found by meaning."""
        return self._vectors is not None

    async def search(self, query: str, limit: int = 4) -> tuple[Passage, ...]:
        """The passages that answer a question, best first; any text may be asked.

        By words alone, where it shares no word with any passage there are none. By meaning, the
        nearest passages are found however far they are; and should the endpoint fail, words alone
        decide.
        """
        question = " ".join(query.split())[:LONGEST_QUESTION]
        limit = min(limit, MOST_PASSAGES)
        if not question or limit < 1:
            return ()
        by_meaning = await self._nearest(question)
        depth = limit if by_meaning is None else _JOINED
        by_words = await asyncio.to_thread(self._index.find, question, depth)
        ranked = by_words if by_meaning is None else _fused([n for n, _ in by_words], by_meaning)
        return tuple(
            Passage(found.source, found.heading, found.text, round(score, 5))
            for number, score in ranked[:limit]
            for found in (self._passages[number],)
        )

    async def close(self) -> None:
        """Give memory and connections back."""
        self._index.close()
        if self._embedder is not None:
            await self._embedder.close()

    async def _nearest(self, question: str) -> list[int] | None:
        if self._embedder is None or self._vectors is None:
            return None
        try:
            asked = await self._embedder.of_question(question)
        except EmbeddingFailed as error:
            logger.warning("the knowledge base is searched by words alone: {}", error)
            return None
        if asked.shape[1] != self._vectors.shape[1]:
            logger.warning("the knowledge base was embedded by another model; restart the server")
            return None
        nearness = (self._vectors @ asked[0]).astype(np.float32)
        order = np.argsort(-nearness, kind="stable")[:_JOINED]
        return [int(number) for number in order]


def _fused(*rankings: Sequence[int]) -> list[tuple[int, float]]:
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, number in enumerate(ranking, 1):
            scores[number] = scores.get(number, 0.0) + 1 / (_RANK_CONSTANT + rank)
    return sorted(scores.items(), key=lambda each: (-each[1], each[0]))


async def open_knowledge(
    folder: Path, *, embedder: "Embedder | None" = None, cache: Path | None = None
) -> KnowledgeBase:
    """Read and index a folder. What can't be read is in `warnings`; the rest is there.

    Args:
        folder: Markdown, text and PDF, in folders below it too.
        embedder: finds by meaning as well; closed with the knowledge base.
        cache: a folder that keeps what was slow to make: texts of PDFs, embeddings.

    Raises:
        StartFailed: there is no such folder, or it can't be read.
    """
    try:
        reading = await asyncio.to_thread(read_folder, folder, cache)
    except OSError as error:
        raise StartFailed(
            f"the knowledge folder {folder} can't be read ({error.strerror or error})"
        ) from error
    return await _indexed(reading, embedder, cache)


async def _indexed(
    reading: Reading, embedder: "Embedder | None", cache: Path | None
) -> KnowledgeBase:
    passages = [
        Passage(document.source, cutting.heading, cutting.text, 0.0)
        for document in reading.documents
        for cutting in document.cuttings
    ]
    warnings = list(reading.warnings)
    if not passages:
        warnings.append("there is nothing to search: put .md, .txt or .pdf files into the folder")
    index = PassageIndex()
    await asyncio.to_thread(index.add, [(each.heading, each.text) for each in passages])
    vectors = None
    if embedder is not None and passages:
        texts = [f"{each.heading}\n{each.text}".strip() for each in passages]
        try:
            vectors = await embedder.of_passages(texts, cache)
        except EmbeddingFailed as error:
            warnings.append(f"embeddings: {error}; until the next start words alone are searched")
    return KnowledgeBase(passages, index, embedder=embedder, vectors=vectors, warnings=warnings)
