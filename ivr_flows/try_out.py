"""A flow tried in the terminal: what would be said is printed, answers are typed.

`TryOut` is the conversation without a terminal; `run` puts lines into it and prints what it gives.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import httpx

from ivr_flows.actions import (
    Action,
    Converse,
    HangUp,
    LimitTime,
    Listen,
    LookUp,
    Report,
    Request,
    Say,
    StopReply,
    StopSaying,
    SwitchLanguage,
    Transfer,
    UseTool,
)
from ivr_flows.events import (
    Event,
    Failed,
    Heard,
    HungUp,
    NothingHeard,
    Played,
    Pressed,
    Responded,
    Started,
    ToolAnswered,
)
from ivr_flows.flow import Flow, RequestNode
from ivr_flows.interpreter import Interpreter, Phase
from ivr_flows.requesting import picked
from ivr_flows.typed_model import typed_answer, typed_reply

HELP = """\
keys: 1, 25#    words: yes please    words that look like keys: "25"    silence: an empty line
!...        the same, while the bot still speaks
/hangup     the caller hangs up       /variables  what is known so far
/nobody     a transfer finds nobody   /help       this
At a request you play the web service: 200 {"status": "delivered"}, 404, or fail. The option
--send-requests asks the real one.
With --model you play the language model of a conversation: what it says, or a tool with its
arguments, such as find_order {"order_id": "4522"}, or fail; a look-up's answer is a passage."""

MAX_RESPONSE_BYTES = 100_000  # an answer larger than this is not meant for a telephone


class TryOut:
    """One conversation, fed with typed lines."""

    def __init__(
        self,
        flow: Flow,
        *,
        language: str | None = None,
        variables: Mapping[str, object] | None = None,
        keypad_only: bool = False,
        ask: Callable[[Request], Responded | Failed] | None = None,
        has_model: bool = False,
    ) -> None:
        """Variables not given take their examples. `ask` answers requests; None: they are typed.
        `has_model`: at conversations the model is typed; else their fallback is taken.

        Raises:
            VariablesInvalid: the values don't fit the flow's variables.
        """
        hearing = frozenset[str]() if keypad_only else frozenset(flow.languages)
        self._interpreter = Interpreter(flow, hearing=hearing, has_model=has_model)
        examples = {n: v.example for n, v in flow.variables.items() if v.required}
        values = {**examples, **(variables or {})}
        self._state = self._interpreter.start_state(values, language or flow.languages[0])
        self._ask = ask
        self._work: list[UseTool] = []  # tools whose answers are to be typed

    @property
    def is_over(self) -> bool:
        """Whether nothing that is typed can change anything."""
        return self._state.phase is Phase.ENDED

    @property
    def is_for_another(self) -> bool:
        """Whether the next line is not the caller's: a web service or a desk is waited for."""
        return self._state.is_owing or self._state.phase is Phase.TRANSFERRED

    @property
    def prompt(self) -> str:
        """What is waited for."""
        match self._state.phase:
            case Phase.REQUESTING:
                return "answer (200 {...} or fail)>"
            case Phase.REPLYING if self._work:
                return f"answer to {self._work[0].tool} (200 {{...}}, or a passage, or fail)>"
            case Phase.REPLYING:
                return "model (words, or a tool and {...}, or fail)>"
            case Phase.TRANSFERRED:
                return "transferred (/nobody or /hangup)>"
            case _:
                return f"{self._state.node}>"

    def start(self) -> list[str]:
        """The call is answered."""
        return list(self._step(Started()))

    def take(self, line: str) -> list[str]:
        """Type a line; the answer is what there is to print."""
        line = line.strip()
        if line.startswith("/"):
            return list(self._command(line[1:].lower()))
        if self._state.phase is Phase.REQUESTING:
            return list(self._answered(_typed_response(line)))
        if self._state.phase is Phase.REPLYING and not line.startswith("!"):
            return list(self._modelled(line))
        printed: list[str] = []
        if line.startswith("!"):
            line = line[1:].strip()
        else:
            printed += self._step(Played())
        for event in _typed(line):
            printed += self._step(event)
        return printed

    def _command(self, word: str) -> Iterator[str]:
        match word:
            case "hangup":
                yield from self._step(HungUp())
                yield "-- the caller hung up"
            case "nobody":
                yield from self._step(Failed("transfer", "nobody there"))
            case "variables":
                for name, value in self._state.variables.items():
                    yield f"   {name} = {value!r}"
            case _:
                yield HELP

    def _step(self, event: Event) -> Iterator[str]:
        before = len(self._state.faults)
        self._state, actions = self._interpreter.step(self._state, event)
        for fault in self._state.faults[before:]:
            yield f"-- fault: {fault}"
        for action in actions:
            yield from self._shown(action)
            if isinstance(action, UseTool):
                yield from self._used(action)
            elif isinstance(action, StopReply):
                self._work.clear()
            if isinstance(action, Request) and self._ask is not None:
                answer = self._ask(action)
                yield f"-- {answer}"
                yield from self._answered(answer)

    def _modelled(self, line: str) -> Iterator[str]:
        """A line of the model's, or what a tool of its answers."""
        if not self._work:
            tools = {tool.name for tool in self._interpreter.asked(self._state).tools}
            for event in typed_reply(line, tools):
                yield from self._step(event)
            return
        tool = self._work.pop(0)
        answer = typed_answer(tool, line, _typed_response)
        yield from self._step(ToolAnswered(tool.call_id, answer))

    def _answered(self, answer: Responded | Failed) -> Iterator[str]:
        """Go on with a web service's answer; say first why it is not taken for a good one."""
        node = self._interpreter.flow.nodes[self._state.node]
        if isinstance(node, RequestNode):
            if isinstance(answer, Failed):
                yield f"-- no answer ({answer.reason}): on to {node.failure}"
            elif why := _incomplete(node, answer):
                yield f"-- {why}: on to {node.failure}"
        yield from self._step(answer)

    def _used(self, tool: UseTool) -> Iterator[str]:
        if isinstance(tool.work, Request) and self._ask is not None:
            answer = self._ask(tool.work)
            yield f"-- {answer}"
            yield from self._step(ToolAnswered(tool.call_id, answer))
        else:
            self._work.append(tool)

    def _shown(self, action: Action) -> Iterator[str]:
        match action:
            case Say():
                yield f"{action.language}: {action.text}"
            case StopSaying():
                yield "-- (cut off)"
            case Listen():
                what = f"keys {''.join(sorted(action.keys))}"
                what += ", words" if action.speech else ", no words"
                yield f"-- listens {action.timeout_ms / 1000:g} s: {what}"
            case Request():
                body = "" if action.json is None else f" {json.dumps(action.json)}"
                yield f"-- {action.method} {action.url}{body}"
            case Converse():
                yield "-- the model is asked"
            case UseTool(tool=tool, work=LookUp(query=query)):
                yield f"-- {tool}: {query}"
            case UseTool(tool=tool, work=Request() as request):
                yield f"-- {tool}: {request.method} {request.url}"
            case UseTool() | StopReply() | LimitTime():
                pass
            case Report():
                found = json.dumps(dict(action.variables), ensure_ascii=False, default=str)
                yield f"-- outcome so far: {found}"
            case SwitchLanguage():
                yield f"-- language: {action.language}"
            case Transfer():
                yield f"-- transfer to {action.to} [{action.disposition}]"
            case HangUp():
                yield f"-- hangs up [{action.disposition}]"


def _typed(line: str) -> list[Event]:
    if not line:
        return [NothingHeard()]
    if re.fullmatch(r"[0-9*#]+", line):
        return [Pressed(digit) for digit in line]
    return [Heard(line.strip('"'))]


def _incomplete(node: RequestNode, answer: Responded) -> str:
    """What a 2xx lacks of what the node saves; "" where nothing, or where that doesn't count."""
    code = str(answer.status_code)
    found = picked(answer.body, node.save)
    missing = [f'"{path}"' for variable, path in node.save.items() if variable not in found]
    if not missing or code[0] != "2" or code in node.on_status or "2xx" in node.on_status:
        return ""
    return f"{code} without {', '.join(missing)}, which is to be saved"


def _typed_response(line: str) -> Responded | Failed:
    status, _, rest = line.partition(" ")
    if not re.fullmatch(r"[1-5][0-9][0-9]", status):
        return Failed("request", line or "no answer")
    return Responded(int(status), _decoded(rest))


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def real_request(request: Request) -> Responded | Failed:
    """Carry out a request over HTTP; waits up to its timeout for each part of the answer."""
    try:
        with httpx.stream(
            request.method,
            request.url,
            headers=dict(request.headers),
            json=request.json,
            timeout=request.timeout_ms / 1000,
        ) as response:
            body = b""
            for part in response.iter_bytes():
                body += part
                if len(body) > MAX_RESPONSE_BYTES:
                    return Failed("request", f"the answer is over {MAX_RESPONSE_BYTES} bytes")
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        return Failed("request", f"{type(error).__name__}: {error}")
    return Responded(response.status_code, _decoded(body.decode("utf-8", "replace")))


def run(
    try_out: TryOut, lines: Iterable[str], write: Callable[[str], None], *, show_prompt: bool
) -> None:
    """Feed the conversation with lines (say, a terminal's) until it is over or they end."""
    for printed in [HELP, "", *try_out.start()]:
        write(printed + "\n")
    typed = iter(lines)
    while not try_out.is_over:
        # What is not for the caller is shown to a file, too: else a line is taken unnoticed.
        if show_prompt or try_out.is_for_another:
            write(try_out.prompt + "\n")  # a whole line, so that a terminal shows it at once
        line = next(typed, None)
        if line is None:
            return
        for printed in try_out.take(line):
            write(printed + "\n")
