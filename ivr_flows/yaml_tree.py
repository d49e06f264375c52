"""YAML from a stranger: plain values and the line of each, or a list of problems.

Only what a flow needs is let in: mappings with text keys, lists, text, numbers, booleans, null.
Anchors, aliases (the "billion laughs"), tags and merge keys are refused before anything is built,
and so are files that are too large or nested too deep.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.nodes import ScalarNode

from ivr_flows.errors import FlowInvalid, Problem

# The largest flow that we know has 30 kB; above the limit the check of one file takes seconds.
MAX_FILE_BYTES = 256 * 1024
MAX_VALUES = 20_000
MAX_DEPTH = 20  # a flow's deepest value lies 9 levels down; what builds the values is recursive
MAX_NUMBER_LENGTH = 18  # digits; a longer one is surely an id, which belongs in quotes

Plain = str | int | float | bool | None | tuple["Plain", ...] | dict[str, "Plain"]
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Tree:
    """A document's values, and for the path of each value the line that it stands on."""

    file: str
    values: dict[str, Plain]
    lines: dict[Path, int] = field(repr=False)

    def line(self, path: Path) -> int:
        """The line of the value at `path`, else of the nearest one around it.

        Steps of the path that the document doesn't have (pydantic puts in names of its own) are
        passed over.
        """
        here: Path = ()
        for step in path:
            if (*here, step) in self.lines:
                here = (*here, step)
        return self.lines.get(here, 1)


def parse(data: bytes, file: str) -> Tree:
    """Read a document whose top is a mapping.

    Raises:
        FlowInvalid: it is too large, not UTF-8, not YAML, holds what a flow may not hold, or its
            top is no mapping.
    """
    if len(data) > MAX_FILE_BYTES:
        fix = f"keep it under {MAX_FILE_BYTES // 1024} kB by splitting it into several flows"
        raise FlowInvalid([Problem(file, 1, f"the file has {len(data)} bytes", fix)])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        fix = "save the file as UTF-8"
        raise FlowInvalid([Problem(file, line, "this is not UTF-8 text", fix)]) from None
    yaml = YAML(typ="safe", pure=True)
    events: list[Event] = []
    try:
        problems = list(_refused(yaml, text, file, events))
    except YAMLError as error:
        raise FlowInvalid([_not_yaml(error, file)]) from None
    if problems:
        raise FlowInvalid(problems[:20])
    return _Builder(file, events, yaml.resolver).tree()


def _not_yaml(error: YAMLError, file: str) -> Problem:
    line, message = 1, " ".join(str(error).split())[:200]
    if isinstance(error, MarkedYAMLError):
        mark = cast("Any", error.problem_mark or error.context_mark)
        line = int(mark.line) + 1 if mark is not None else 1
        parts = cast("tuple[str | None, ...]", (error.context, error.problem))
        message = " ".join(part for part in parts if part)
    fix = 'put texts and keys with ":", "#", "*" or "{" in quotes, and indent with spaces'
    return Problem(file, line, f"this is not YAML ({message})", fix)


def _refused(yaml: YAML, text: str, file: str, events: list[Event]) -> Iterator[Problem]:
    """What the file may not hold, found on its events, which are kept; nothing is built."""
    depth = values = documents = 0
    for event in cast("Iterator[Any]", yaml.parse(text)):
        events.append(event)
        line = int(event.start_mark.line) + 1 if event.start_mark else 1
        if isinstance(event, AliasEvent) or (isinstance(event, NodeEvent) and event.anchor):
            yield Problem(
                file,
                line,
                f'"{event.anchor}" is a YAML anchor or alias, which a flow may not have',
                'write the value out, or put a text such as "*" in quotes',
            )
        elif isinstance(event, ScalarEvent | CollectionStartEvent) and event.tag:
            yield Problem(file, line, f"{event.tag} is a YAML tag", "remove it")
        documents += isinstance(event, DocumentStartEvent)
        depth += isinstance(event, CollectionStartEvent)
        depth -= isinstance(event, CollectionEndEvent)
        values += isinstance(event, ScalarEvent | CollectionStartEvent)
        if depth > MAX_DEPTH or values > MAX_VALUES or documents > 1:
            yield Problem(
                file,
                line,
                "a second document starts here" if documents > 1 else "the file goes on too deep",
                f"keep one flow a file, up to {MAX_DEPTH} levels and {MAX_VALUES} values",
            )
            return


class _Builder:
    """Values from events: the second pass over the text that a composer would make is saved."""

    def __init__(self, file: str, events: list[Event], resolver: Any) -> None:
        self.file = file
        self.events = cast("Iterator[Any]", iter(events))
        self.resolver = resolver  # tells 1 from "1"
        self.lines: dict[Path, int] = {}
        self.problems: list[Problem] = []

    def tree(self) -> Tree:
        nodes = (event for event in self.events if isinstance(event, NodeEvent))
        root = cast("Any", next(nodes, None))
        if not isinstance(root, MappingStartEvent):
            what = "is empty" if root is None else "does not start with a mapping"
            fix = 'write "name: my_flow" and the other fields of docs/write-a-flow.md'
            raise FlowInvalid([Problem(self.file, 1, f"the file {what}", fix)])
        self.lines[()] = _line(root)
        values = self.mapping(())
        if self.problems:
            raise FlowInvalid(self.problems)
        return Tree(self.file, values, self.lines)

    def build(self, event: Any, path: Path) -> Plain:
        match event:
            case MappingStartEvent():
                return self.mapping(path)
            case SequenceStartEvent():
                items: list[Plain] = []
                while not isinstance(item := next(self.events), SequenceEndEvent):
                    self.lines[(*path, len(items))] = _line(item)
                    items.append(self.build(item, (*path, len(items))))
                return tuple(items)
            case _:
                return self.scalar(event)

    def mapping(self, path: Path) -> dict[str, Plain]:
        found: dict[str, Plain] = {}
        while not isinstance(key := next(self.events), MappingEndEvent):
            if not isinstance(key, ScalarEvent) or self.kind(key) == "merge":
                self.build(key, path)
                self.build(next(self.events), path)
                fix = 'write a plain word before the ":"'
                self.problems.append(Problem(self.file, _line(key), "this can't be a key", fix))
                continue
            name = str(cast("Any", key).value)
            if name in found:
                message = f'"{name}" stands here twice'
                problem = Problem(self.file, _line(key), message, "remove one of the two")
                self.problems.append(problem)
            self.lines[(*path, name)] = _line(key)
            found[name] = self.build(next(self.events), (*path, name))
        return found

    def kind(self, event: Any) -> str:
        """What a scalar is by YAML 1.2: "str", "int", "bool" ..."""
        tag = self.resolver.resolve(ScalarNode, event.value, event.implicit)
        return str(tag).rpartition(":")[2]

    def scalar(self, event: Any) -> Plain:
        text, kind = str(event.value), self.kind(event)
        if kind in ("int", "float") and len(text) > MAX_NUMBER_LENGTH:
            return text
        try:
            match kind:
                case "null":
                    return None
                case "bool":
                    return text.lower() == "true"
                case "int":
                    return int(text, 0)  # 010 is refused: nobody agrees on what it means
                case "float":
                    return float(text.replace("_", ""))
                case _:
                    return text
        except ValueError:  # what looks like a number to YAML only can be meant as text only
            return text


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1
