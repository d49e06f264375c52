"""One reply of a model while it comes: its clauses are told at once, its parts are timed."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.llm.pieces import CallPiece, Piece, ReplyEnd, TextPiece
from bot.reply_clauses import ReplyClauses
from ivr_flows.briefing import Asked, guessed_tokens
from ivr_flows.dialogue import ToolCall
from ivr_flows.events import Failed, Replied, ReplyEnded


@dataclass(frozen=True, slots=True)
class FromModel:
    """An event of a reply, which counts only while that reply is the last."""

    reply: int
    event: Replied | ReplyEnded | Failed | None = None  # None: the next that was kept back


class ReplyStream:
    """One reply while it comes: its clauses are told at once."""

    def __init__(self, number: int, language: str, put: Callable[[FromModel], None]) -> None:
        self._number = number
        self._put = put
        self._clauses = ReplyClauses(language)
        self._began_s = asyncio.get_running_loop().time()
        self._first_clause_ms: int | None = None
        self.calls: list[ToolCall] = []
        self.text = ""
        self.end: ReplyEnd | None = None

    def take(self, piece: Piece) -> None:
        match piece:
            case TextPiece(text):
                self.text += text
                self._tell(self._clauses.feed(text))
            case CallPiece(call):
                self.calls.append(call)
            case ReplyEnd():
                self._tell(self._clauses.finish(is_cut=piece.finish_reason == "length"))
                self.end = piece

    def _tell(self, clauses: list[str]) -> None:
        for clause in clauses:
            if self._first_clause_ms is None:
                self._first_clause_ms = self._passed_ms()
            self._put(FromModel(self._number, Replied(clause)))

    def _passed_ms(self) -> int:
        return round((asyncio.get_running_loop().time() - self._began_s) * 1000)

    def parts(self, end: ReplyEnd) -> dict[str, Any]:
        """The parts of the latency, from the request on, and what it took."""
        return {
            "endpoint": end.endpoint,
            "model": end.model,
            "first_token_ms": end.first_token_ms,
            "first_clause_ms": self._first_clause_ms,
            "whole_ms": self._passed_ms(),
            "prompt_tokens": end.prompt_tokens,
            "completion_tokens": end.completion_tokens,
            "finish_reason": end.finish_reason,
            "calls": [call.name for call in self.calls],
            "failed": list(end.failed),
        }


def tokens_of(end: ReplyEnd, asked: Asked, text: str) -> int:
    """What a whole reply cost, both ways; guessed where the endpoint does not count."""
    if end.prompt_tokens is not None and end.completion_tokens is not None:
        return end.prompt_tokens + end.completion_tokens
    return asked.tokens_guessed + guessed_tokens(text)
