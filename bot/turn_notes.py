"""Puts together the turns of a call from what is said, heard and played, for the record."""

from dataclasses import replace

from bot.journal import Journal
from ivr_flows.actions import Say
from processors.frames import (
    UtteranceEndedFrame,
    UtteranceHeardFrame,
    UtterancePartialFrame,
    UtteranceStartedFrame,
)
from telephony.call import JsonValue
from telephony.records import CallEvent, KeyPress, PartialTurn, Turn, TurnLatency, Who


class TurnNotes:
    """One call's turns, and the latency of each reply."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._bot_turns: dict[int, Turn] = {}  # by utterance id, from 1
        self._unanswered: TurnLatency | None = None  # the caller's last turn, not yet replied to
        self._replies: dict[int, TurnLatency] = {}  # by the reply's utterance id

    def note(self, kind: str, at_ms: int, **detail: JsonValue) -> None:
        """Anything beside the turns."""
        self._journal.event(CallEvent(kind, at_ms, detail))

    def pressed(self, digit: str, at_ms: int, duration_ms: int | None) -> None:
        """The caller pressed a key, which is a turn decided at once."""
        self._journal.key(KeyPress(digit, at_ms, duration_ms))
        self._unanswered = TurnLatency(at_ms, at_ms, at_ms)

    def partial(self, frame: UtterancePartialFrame | None) -> None:
        """What the caller is saying just now; None: nothing."""
        if frame is None:
            self._journal.caller_partial(None)
            return
        stable_text = frame.stable_text if frame.new_text is None else ""
        self._journal.caller_partial(
            PartialTurn(frame.said, stable_text, frame.language, frame.start_ms, frame.through_ms)
        )

    def heard(self, frame: UtteranceHeardFrame, node: str) -> None:
        """The caller said something."""
        self._caller_turn(frame, node)
        # The words are mostly known before the decision; they are of use from then on.
        known_ms = max(frame.decided_ms, frame.transcript_ms)
        self._unanswered = TurnLatency(frame.end_ms, frame.decided_ms, known_ms)

    def added(self, frame: UtteranceHeardFrame, node: str) -> None:
        """They went on with what was being answered, and it changed nothing."""
        self._caller_turn(frame, node)
        self.note("added", frame.start_ms, text=frame.text)

    def followed(self, frame: UtteranceHeardFrame, node: str) -> None:
        """They said, while the bot spoke, that they follow."""
        self._caller_turn(frame, node)
        self.note("backchannel", frame.start_ms, text=frame.text)

    def _caller_turn(self, frame: UtteranceHeardFrame, node: str) -> None:
        self._journal.caller_turn(
            Turn(
                Who.CALLER,
                frame.text,
                frame.text,
                frame.start_ms,
                frame.end_ms,
                confidence=frame.confidence,
                language=frame.language,
                node=node,
            )
        )

    def went_on(self, frame: UtteranceHeardFrame, whole_text: str) -> None:
        """They went on with what was taken for all: it was answered as one, from here on."""
        self.note("went_on", frame.start_ms, text=whole_text)

    def said(self, say: Say, at_ms: int, *, is_reply: bool = True) -> int:
        """The bot is about to say something; the id of the utterance.

        `is_reply`: False for a filler, which answers nothing.
        """
        utterance_id = len(self._bot_turns) + 1
        if self._unanswered and is_reply:
            self._replies[utterance_id] = replace(self._unanswered, reply_ready_ms=at_ms)
            self._unanswered = None
        self._put(
            utterance_id, Turn(Who.BOT, say.text, "", at_ms, language=say.language, node=say.node)
        )
        return utterance_id

    def started(self, frame: UtteranceStartedFrame) -> None:
        """Its first audio left for the line."""
        turn = replace(self._bot_turns[frame.utterance_id], start_ms=frame.at_ms)
        reply = self._replies.pop(frame.utterance_id, None)
        if reply:
            turn = replace(turn, latency=replace(reply, first_audio_ms=frame.at_ms))
        self._put(frame.utterance_id, turn)

    def ended(self, frame: UtteranceEndedFrame) -> None:
        """The far end has played it, or part of it, or nothing."""
        turn = self._bot_turns[frame.utterance_id]
        reply = self._replies.pop(frame.utterance_id, None)
        if reply and frame.start_ms is not None:  # it followed a filler without a pause
            turn = replace(turn, latency=replace(reply, first_audio_ms=frame.start_ms))
        self._put(
            frame.utterance_id,
            replace(
                turn,
                heard_text=frame.heard_text,
                start_ms=turn.start_ms if frame.start_ms is None else frame.start_ms,
                end_ms=frame.end_ms,
                is_interrupted=frame.is_interrupted,
            ),
        )

    def cut_off(self, utterance_id: int, at_ms: int) -> None:
        """It is interrupted; if some of it was heard, `ended` will tell and overrides this."""
        turn = self._bot_turns[utterance_id]
        self._put(utterance_id, replace(turn, end_ms=at_ms, is_interrupted=True))

    def _put(self, utterance_id: int, turn: Turn) -> None:
        self._bot_turns[utterance_id] = turn
        self._journal.bot_turn(utterance_id, turn)
