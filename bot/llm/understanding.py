"""A caller's words understood by a language model, in the time that a caller waits for it."""

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace

from loguru import logger

from bot.errors import ModelFailed
from bot.llm.model import CallPiece, LanguageModel
from ivr_flows.dialogue import ToolCall
from ivr_flows.events import Heard
from ivr_flows.interpreter import Interpreter, State
from ivr_flows.llm_understanding import ANSWER_TOKENS, Question, answer_to, question_about
from speech.circuit import CircuitBreaker

_FAILURES = 3
_LEFT_OUT_S = 30.0
"""A model that was too late three times in a row is not waited for: every caller who isn't
understood would wait in vain before being asked again."""


class Understanding:
    """Any number of calls may ask at once."""

    def __init__(
        self,
        model: LanguageModel,
        *,
        deadline_s: float,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`deadline_s`: the longest that a caller waits; then the flow's own words decide."""
        self._model = model
        self._deadline_s = deadline_s
        self._now_s = now_s
        self._breaker = CircuitBreaker(failures=_FAILURES, retry_after_s=_LEFT_OUT_S)

    async def understand(
        self,
        interpreter: Interpreter,
        state: State,
        heard: Heard,
        note: Callable[[str, int], None],
    ) -> Heard:
        """The same words, with what a model makes of them where the flow's own don't explain them.

        `note` is told what came of it and after how many ms: the choice, "none", or "late",
        "failed", "unreadable", where the flow's own words decide. Raises nothing: without an
        answer in time the words come back as they were.
        """
        question = question_about(interpreter, state, heard)
        if question is None or not self._breaker.may_try(self._now_s()):
            return heard
        began_s = self._now_s()
        try:
            async with asyncio.timeout(self._deadline_s):
                calls = await self._ask(question)
        except (TimeoutError, ModelFailed) as error:
            self._breaker.failed(self._now_s())
            outcome = "late" if isinstance(error, TimeoutError) else "failed"
            logger.warning("the language model did not understand in time: {}", error or outcome)
            note(outcome, self._since_ms(began_s))
            return heard
        self._breaker.succeeded()
        understood = answer_to(question, calls)
        outcome = "unreadable" if understood is None else understood.choice or "none"
        note(outcome, self._since_ms(began_s))
        return replace(heard, understood=understood)

    async def _ask(self, question: Question) -> list[ToolCall]:
        reply = self._model.reply(
            question.messages,
            (question.tool,),
            max_tokens=ANSWER_TOKENS,
            tool_choice=question.tool.name,
        )
        async with aclosing(reply) as pieces:
            return [piece.call async for piece in pieces if isinstance(piece, CallPiece)]

    def _since_ms(self, began_s: float) -> int:
        return round((self._now_s() - began_s) * 1000)
