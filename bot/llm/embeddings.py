"""Meaning as numbers, from an OpenAI-compatible endpoint; kept on disk by model and text."""

import asyncio
import hashlib
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import openai
from openai import AsyncOpenAI, DefaultAsyncHttpxClient
from pipecat.utils.http import connection_limits

from bot.errors import EmbeddingFailed

Vectors = np.ndarray[tuple[int, int], np.dtype[np.float32]]
"""float32, shape (texts, dimensions), each row of length 1."""

_BATCH = 64
_BATCH_S = 60.0


@dataclass(frozen=True, slots=True)
class EmbeddingEndpoint:
    """Where meaning is turned into numbers."""

    base_url: str  # with its /v1
    model: str
    api_key: str | None = None
    question_s: float = 1.0  # for one question, while a caller waits
    question_prefix: str = ""  # what the model wants before a question: "query: " (E5, BGE)
    passage_prefix: str = ""


class Embedder:
    """Asks one endpoint. Any number of searches may use it at once."""

    def __init__(self, endpoint: EmbeddingEndpoint) -> None:
        """Set up; nothing is asked yet."""
        self._endpoint = endpoint
        self._client = AsyncOpenAI(
            base_url=endpoint.base_url,
            api_key=endpoint.api_key or "none",
            max_retries=0,
            timeout=_BATCH_S,
            http_client=DefaultAsyncHttpxClient(limits=connection_limits(max_connections=64)),
        )
        self._client.organization = self._client.project = None

    async def of_question(self, text: str) -> Vectors:
        """One row. Raises EmbeddingFailed, in time: a caller waits."""
        return await self._of([self._endpoint.question_prefix + text], self._endpoint.question_s)

    async def of_passages(self, texts: Sequence[str], cache: Path | None) -> Vectors:
        """A row for each text, from the cache folder where they are known.

        Raises EmbeddingFailed.
        """
        kept = self._file(texts, cache) if cache else None
        if kept is not None:
            known = await asyncio.to_thread(_load, kept, len(texts))
            if known is not None:
                return known
        rows: list[Vectors] = []
        for at in range(0, len(texts), _BATCH):
            batch = [self._endpoint.passage_prefix + text for text in texts[at : at + _BATCH]]
            rows.append(await self._of(batch, _BATCH_S))
            if rows[-1].shape[1] != rows[0].shape[1]:
                raise EmbeddingFailed("vectors of different lengths")
        vectors = np.concatenate(rows)
        if kept is not None:
            await asyncio.to_thread(_save, kept, vectors)
        return vectors

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _of(self, texts: list[str], timeout_s: float) -> Vectors:
        try:
            async with asyncio.timeout(timeout_s):
                answer = await self._client.embeddings.create(
                    model=self._endpoint.model, input=texts, encoding_format="float"
                )
            ordered = sorted(answer.data, key=lambda each: each.index)
            vectors = np.array([each.embedding for each in ordered], dtype=np.float32)
        except TimeoutError as error:
            raise EmbeddingFailed(f"no answer within {timeout_s:g} s") from error
        except openai.OpenAIError as error:
            raise EmbeddingFailed(str(error)[:200] or type(error).__name__) from error
        except (ValueError, TypeError, AttributeError) as error:
            raise EmbeddingFailed("an answer that can't be read") from error
        if vectors.ndim != 2 or len(vectors) != len(texts) or not vectors.shape[1]:
            raise EmbeddingFailed(f"{len(vectors)} vectors for {len(texts)} texts")
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.isfinite(lengths).all():
            raise EmbeddingFailed("vectors that are no numbers")
        return _as_vectors(vectors / np.maximum(lengths, 1e-9))

    def _file(self, texts: Sequence[str], cache: Path) -> Path:
        endpoint = self._endpoint
        made_by = f"{endpoint.base_url}\n{endpoint.model}\n{endpoint.passage_prefix}"
        digest = hashlib.sha256(made_by.encode())
        for text in texts:
            digest.update(hashlib.sha256(text.encode("utf-8", "replace")).digest())
        return cache / f"{digest.hexdigest()}.npy"


def _as_vectors(array: Any) -> Vectors:
    return np.ascontiguousarray(array, dtype=np.float32)


def _load(path: Path, rows: int) -> Vectors | None:
    try:
        found: Any = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None
    vectors = _as_vectors(found) if getattr(found, "ndim", 0) == 2 else None
    return vectors if vectors is not None and len(vectors) == rows else None


def _save(path: Path, vectors: Vectors) -> None:
    own = path.with_suffix(f".{os.getpid()}.npy")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(own, vectors, allow_pickle=False)
        own.replace(path)
    except OSError:
        own.unlink(missing_ok=True)  # the next start asks again
