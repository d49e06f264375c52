"""What can go wrong with a flow before a call; a running conversation raises nothing.

FlowError
├── FlowInvalid        the file can't be used: every problem with file, line and fix
├── FlowUnknown        no flow of that name: names those there are
├── VariablesInvalid   the values given for a call don't fit the flow's variables: names each
└── TemplateInvalid    a text with {{ variables }} can't be used: says why and what to write
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to change in a flow's file."""

    file: str
    line: int  # from 1
    message: str  # what is wrong, and where the node and field are not plain from the line
    fix: str  # what to write instead

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}; {self.fix}"


class FlowError(Exception):
    """Any failure to read, check or start a flow; the message says what to do."""


class FlowInvalid(FlowError):
    """The file can't be used as a flow; `problems` holds everything found, in the file's order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class FlowUnknown(FlowError):
    """No flow of that name is known."""


class VariablesInvalid(FlowError):
    """The values given for a call don't fit; `problems` maps a variable's name to its fault."""

    def __init__(self, flow: str, problems: dict[str, str]) -> None:
        self.problems = problems
        faults = "; ".join(f"{name}: {fault}" for name, fault in problems.items())
        super().__init__(f'flow "{flow}": {faults}')


class TemplateInvalid(FlowError):
    """A text with variables can't be used."""

    def __init__(self, message: str, fix: str) -> None:
        self.message, self.fix = message, fix
        super().__init__(f"{message}; {fix}")
