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
    NodeEvent,
    ScalarEvent,
)
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

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
    try:
        problems = list(_refused(text, file))
        if problems:
            raise FlowInvalid(problems[:20])
        root = cast("Node | None", YAML(typ="safe", pure=True).compose(text))
    except YAMLError as error:
        raise FlowInvalid([_not_yaml(error, file)]) from None
    if not isinstance(root, MappingNode):
        what = "is empty" if root is None else "does not start with a mapping"
        fix = 'write "name: my_flow" and the other fields of docs/write-a-flow.md'
        raise FlowInvalid([Problem(file, 1, f"the file {what}", fix)])
    return _Builder(file).tree(root)


def _not_yaml(error: YAMLError, file: str) -> Problem:
    line, message = 1, " ".join(str(error).split())[:200]
    if isinstance(error, MarkedYAMLError):
        mark = cast("Any", error.problem_mark or error.context_mark)
        line = int(mark.line) + 1 if mark is not None else 1
        parts = cast("tuple[str | None, ...]", (error.context, error.problem))
        message = " ".join(part for part in parts if part)
    fix = 'put texts and keys with ":", "#", "*" or "{" in quotes, and indent with spaces'
    return Problem(file, line, f"this is not YAML ({message})", fix)


def _refused(text: str, file: str) -> Iterator[Problem]:
    """What the file may not hold, found on its stream of events: nothing is built meanwhile."""
    depth = values = documents = 0
    for event in cast("Iterator[Any]", YAML(typ="safe", pure=True).parse(text)):
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
    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[Path, int] = {}
        self.problems: list[Problem] = []

    def tree(self, root: MappingNode) -> Tree:
        self.lines[()] = int(cast("Any", root).start_mark.line) + 1
        values = self.build(root, ())
        if self.problems:
            raise FlowInvalid(self.problems)
        return Tree(self.file, cast("dict[str, Plain]", values), self.lines)

    def build(self, node: Node, path: Path) -> Plain:
        match node:
            case MappingNode():
                return self.mapping(node, path)
            case SequenceNode():
                items: list[Plain] = []
                for index, item in enumerate(cast("list[Any]", node.value)):
                    self.lines[(*path, index)] = int(item.start_mark.line) + 1
                    items.append(self.build(item, (*path, index)))
                return tuple(items)
            case _:
                return self.scalar(cast("Any", node))

    def mapping(self, node: MappingNode, path: Path) -> Plain:
        found: dict[str, Plain] = {}
        for key, value in cast("list[tuple[Any, Any]]", node.value):
            line = int(key.start_mark.line) + 1
            if not isinstance(key, ScalarNode) or str(cast("Any", key).tag).endswith(":merge"):
                fix = 'write a plain word before the ":"'
                self.problems.append(Problem(self.file, line, "this can't be a key", fix))
                continue
            name = str(cast("Any", key).value)
            if name in found:
                message = f'"{name}" stands here twice'
                self.problems.append(Problem(self.file, line, message, "remove one of the two"))
            self.lines[(*path, name)] = line
            found[name] = self.build(value, (*path, name))
        return found

    def scalar(self, node: Any) -> Plain:
        text, kind = str(node.value), str(node.tag).rpartition(":")[2]
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
