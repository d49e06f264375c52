"""`callwright call`: one whole call, watched line by line."""

import asyncio
import json
import time
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.settings import Settings
from bot.simulation.caller import Caller, Clip
from bot.simulation.loopback import Carrier, Loopback, loopback
from bot.simulation.vendor_voices import clips
from bot.simulation.vendors import Vendor, caller, outcome_differs, party, texts
from speech.registry import make_synthesizer
from telephony.simulator.call_state import CallResult

HEARD_LANGUAGES = ("en",)
"""Languages that the embedded ear knows: in others the vendor answers by keys."""

LANGUAGES = {"en": "English", "hi": "Hindi", "mr": "Marathi"}
VENDOR_NUMBER = "+919800000001"
VENDOR_VOICE = "en-us+m3"
"""Of espeak's voices the one that the ear understands best over a telephone."""
CALL_TIMEOUT_S = 180.0
FLOW = "vendor_confirmation"
VARIABLES = {
    "restaurant_name": "Spice Garden",
    "platform_name": "Mealwala",
    "order_id": "4512",
    "items": ["2 paneer tikka"],
    "amount": 480,
}

_POINTS = (
    *("speech_end_ms", "turn_decided_ms", "transcript_ms"),
    *("reply_ready_ms", "first_audio_ms"),
)

Json = dict[str, Any]


async def run_call(vendor: Vendor, language: str, carrier_name: str, settings: Settings) -> int:
    """Place the call, show it, and compare its record with what the vendor said.

    Returns the exit status: 0 only where both agree and no carrier would have complained.
    """
    console = Console(highlight=False, soft_wrap=True)
    data_dir = settings.data_dir
    speaks = language in HEARD_LANGUAGES
    started_s = time.monotonic()
    console.print(
        f"A call by {carrier_name.capitalize()}'s protocol, in {LANGUAGES[language]}, "
        f"to a vendor who {vendor.does}"
        f"{'' if speaks or not vendor.spoken else ' (by keys: nothing here hears it)'}"
    )
    with console.status("starting the server") as waiting:
        if not console.is_terminal:
            console.print("starting the server")
        async with loopback(data_dir, keep_ours=True) as line:
            waiting.stop()
            console.print(f"the server is ready after {time.monotonic() - started_s:.1f} s")
            voices = await _voices(vendor, speaks=speaks)
            who = caller(vendor, voices, speaks=speaks)
            line.parties[VENDOR_NUMBER] = party(vendor, voices, who)
            view = CallView(console, line.http, who)
            call_id = await _initiate(line, language, carrier_name)
            record = await view.follow(call_id)
            result = await _telephone(line.carrier(carrier_name), record)
            status = _report(console, vendor, record, result)
            _show_files(console, settings, record)
    return status


async def _voices(vendor: Vendor, *, speaks: bool) -> dict[str, Clip]:
    engine = make_synthesizer("espeak")
    await engine.start()
    try:
        return await clips(engine, texts(vendor, speaks=speaks), voice=VENDOR_VOICE)
    finally:
        await engine.close()


async def _initiate(line: Loopback, language: str, carrier_name: str) -> str:
    body = {
        "to": VENDOR_NUMBER,
        "flow": FLOW,
        "language": language,
        "carrier": carrier_name,
        "variables": VARIABLES,
    }
    response = await line.http.post("/api/voice/call/initiate", json=body)
    response.raise_for_status()
    return str(response.json()["call_id"])


async def _telephone(carrier: Carrier, record: Json) -> CallResult | None:
    """What the telephone saw of the call, when it is over there too."""
    sid = record["call"]["carrier_call_id"]
    return await carrier.wait_for_call(sid, timeout_s=30.0) if sid else None


@dataclass(frozen=True, slots=True)
class _NewLine:
    at_ms: int
    key: tuple[str, int]  # "turn" or "key", and its place in the record
    text: Text


class CallView:
    """Prints a call's record as it grows."""

    def __init__(self, console: Console, http: httpx.AsyncClient, caller: Caller) -> None:
        self._console = console
        self._http = http
        self._caller = caller
        self._status = ""
        self._shown: set[tuple[str, int]] = set()

    async def follow(self, call_id: str) -> Json:
        """The call's record when it is settled."""
        async with asyncio.timeout(CALL_TIMEOUT_S):
            while True:
                response = await self._http.get(f"/api/calls/{call_id}")
                response.raise_for_status()
                record: Json = response.json()
                self._caller.overhear(record["turns"])
                is_over = record["call"]["ended_at"] is not None and record["call"]["disposition"]
                self._show(record, is_over=bool(is_over))
                if is_over:
                    return record
                await asyncio.sleep(0.1)

    def _show(self, record: Json, *, is_over: bool) -> None:
        status = record["call"]["status"]
        if status != self._status:
            self._status = status
            self._console.print(Text(f"         -- {status}", style="dim"))
        new = self._new_lines(record, is_over=is_over)
        for line in sorted(new, key=lambda line: line.at_ms):
            self._shown.add(line.key)
            self._console.print(line.text)

    def _new_lines(self, record: Json, *, is_over: bool) -> list[_NewLine]:
        lines: list[_NewLine] = []
        bots = [index for index, turn in enumerate(record["turns"]) if turn["who"] == "bot"]
        for index, turn in enumerate(record["turns"]):
            key = ("turn", index)
            # What was heard of a prompt that was cut is written a moment after it.
            is_cut = turn["is_interrupted"] and not turn["heard_text"] and index == bots[-1]
            is_done = (turn["end_ms"] is not None and not is_cut) or is_over
            if key not in self._shown and is_done:
                lines.append(_NewLine(turn["start_ms"], key, _turn_line(turn)))
        for index, pressed in enumerate(record["keys"]):
            key = ("key", index)
            if key not in self._shown:
                text = f"{_clock(pressed['at_ms'])}  vendor  [key {pressed['digit']}]"
                lines.append(_NewLine(pressed["at_ms"], key, Text(text, style="bold cyan")))
        return lines


def _turn_line(turn: Json) -> Text:
    is_bot = turn["who"] == "bot"
    line = Text(f"{_clock(turn['start_ms'])}  ")
    line.append("bot     " if is_bot else "vendor  ", style="green" if is_bot else "bold cyan")
    if is_bot and turn["is_interrupted"]:
        heard = turn["heard_text"] or ""
        rest = turn["text"][len(heard) :].strip()
        line.append(f"{heard} " if heard else "", style="")
        line.append(f"[interrupted, not heard: {rest}]", style="dim")
    else:
        line.append(turn["text"] or "[no words]", style="" if is_bot else "bold cyan")
    latency = turn["latency"]
    if latency and latency["total_ms"] is not None:
        line.append(f"  ({latency['total_ms']} ms)", style="yellow")
    elif not is_bot:
        line.append(f"  (confidence {turn['confidence']:.2f})", style="dim")
    return line


def _report(console: Console, vendor: Vendor, record: Json, result: CallResult | None) -> int:
    call = record["call"]
    outcome = {
        "call_id": call["call_id"],
        "status": call["status"],
        "disposition": call["disposition"],
        "ended_by": call["ended_by"],
        "outcome": call["outcome"],
    }
    console.print("\nOutcome")
    console.print(json.dumps(outcome, ensure_ascii=False, indent=2))
    _show_latencies(console, record, result)
    problems = [str(violation) for violation in result.violations] if result else []
    problems += result.script_problems if result else ()
    difference = outcome_differs(vendor, call["disposition"], call["outcome"])
    if difference:
        problems.append(difference)
    for problem in problems:
        console.print(Text(f"NOT AS IT SHOULD BE: {problem}", style="bold red"))
    if not problems:
        console.print(Text("The outcome is what the vendor meant.", style="bold green"))
    return 1 if problems else 0


def _show_latencies(console: Console, record: Json, result: CallResult | None) -> None:
    table = Table(
        title="Latencies (ms): each stage, after the end of what the vendor said",
        title_justify="left",
        show_edge=False,
    )
    table.add_column("reply", no_wrap=True)
    headings = ("decided", "words", "reply", "audio", "total")
    for heading in headings:
        table.add_column(heading, justify="right")
    for turn in record["turns"]:
        latency = turn["latency"]
        if not latency or latency["total_ms"] is None:
            continue
        parts = [after - before for before, after in pairwise(latency[name] for name in _POINTS)]
        table.add_row(_short(turn["text"]), *(str(part) for part in (*parts, latency["total_ms"])))
    console.print()
    if table.row_count:
        console.print(table)
    for measures in result.measures() if result else ():
        first_ms = measures.first_bot_audio_ms
        first = "-" if first_ms is None else f"{first_ms:.0f}"
        heard = ", ".join(f"{reply.latency_ms:.0f}" for reply in measures.replies)
        console.print(
            f"At the telephone: first word after {first} ms; replies heard after "
            f"{heard or '-'} ms; holes in the bot's voice: {len(measures.holes)}"
        )


def _show_files(console: Console, settings: Settings, record: Json) -> None:
    data_dir = settings.data_dir
    call_id = record["call"]["call_id"]
    transcript = data_dir / "transcripts" / f"{call_id}.json"
    transcript.parent.mkdir(parents=True, exist_ok=True)
    transcript.write_text(json.dumps(record, ensure_ascii=False, indent=2), encoding="utf-8")
    recording = settings.recordings_dir / f"{call_id}.flac"
    if recording.is_file():
        console.print(f"Recording:  {recording}")
    elif settings.record_calls:
        console.print("Recording:  none: nobody answered")
    else:
        console.print("Recording:  none: CALLWRIGHT_RECORD_CALLS is false")
    console.print(f"Transcript: {transcript}")
    console.print(f"Log:        {data_dir / 'server.log'}")


def _clock(at_ms: int) -> str:
    return f"{at_ms // 60000:02d}:{at_ms / 1000 % 60:04.1f}"


def _short(text: str) -> str:
    return text if len(text) <= 20 else f"{text[:19]}…"
