"""Whether a flow's texts can be said: every language there, every variable known by then."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from ivr_flows.checking.ways import suggestion
from ivr_flows.errors import Problem, TemplateInvalid
from ivr_flows.flow import (
    AskingNode,
    CollectNode,
    ConverseNode,
    DecideNode,
    Flow,
    HttpCall,
    Node,
    Prompt,
    RequestNode,
    TransferNode,
    Value,
    prompts_of,
)
from ivr_flows.prompts import evaluate, render, variables_in, variables_in_condition
from ivr_flows.variables import fitted
from ivr_flows.yaml_tree import Path, Tree

STAND_INS: Mapping[str, Value] = {
    "text": "word",
    "integer": 2,
    "number": 2.5,
    "boolean": True,
    "list": ("one", "two"),
    "url": "https://example.org/a",
    "phone": "+911234567890",
}


_EXAMPLES: Mapping[str, Value] = {
    "string": "word",
    "integer": 2,
    "number": 2.5,
    "boolean": True,
    "array": ("one", "two"),
}


def _type_of(schema: object) -> str:
    return str(cast("Mapping[str, Any]", schema).get("type")) if isinstance(schema, dict) else ""


class TextChecks:
    """The checks of all templates of one flow."""

    def __init__(self, flow: Flow, tree: Tree, known: Mapping[str, frozenset[str]]) -> None:
        """`known`: for each node, the variables that surely have a value there."""
        self.flow = flow
        self.tree = tree
        self.known = known
        self.examples = {name: self._example(name) for name in flow.variables}

    def run(self) -> Iterator[Problem]:
        """All problems with texts, conditions and values."""
        if self.flow.unsure:
            everywhere = self._known_at_questions()
            extra: dict[str, Value] = {"choice": "yes"}
            yield from self._prompt(self.flow.unsure, ("unsure",), "unsure", everywhere, extra)
        for name, node in self.flow.nodes.items():
            known = self.known.get(name, frozenset(self.flow.variables))
            at: Path = ("nodes", name)
            where = f'node "{name}"'
            for path, prompt in prompts_of(node).items():
                extra = {}
                if isinstance(node, CollectNode) and path[0] == "read_back":
                    extra = {node.variable: self.examples.get(node.variable)}
                yield from self._prompt(prompt, (*at, *path), where, known, extra)
            yield from self._templates(node, at, where, known)

    def _known_at_questions(self) -> frozenset[str]:
        sets = [self.known.get(n) for n, node in self.flow.nodes.items() if node.type == "menu"]
        known = frozenset(self.flow.variables)
        for one in sets:
            known &= one if one is not None else known
        return known

    def _example(self, name: str) -> Value:
        variable = self.flow.variables[name]
        given = variable.example if variable.example is not None else variable.default
        try:
            return fitted(variable, STAND_INS[variable.type] if given is None else given)
        except ValueError:
            return STAND_INS[variable.type]

    def _problem(self, path: Path, message: str, fix: str) -> Problem:
        return Problem(self.tree.file, self.tree.line(path), message, fix)

    def _prompt(
        self, prompt: Prompt, at: Path, where: str, known: frozenset[str], extra: dict[str, Value]
    ) -> Iterator[Problem]:
        for language in self.flow.languages:
            if language not in prompt.texts and language not in self.flow.fallbacks:
                fix = f'add "{language}: ..." here, or "fallbacks: {{{language}: ...}}" at the top'
                yield self._problem(at, f'{where}: the text is missing in "{language}"', fix)
        for language, spoken in prompt.texts.items():
            path = (*at, language)
            if language not in self.flow.languages:
                fix = f"add it to the flow's languages, or remove it: {self.flow.languages}"
                yield self._problem(path, f'{where}: "{language}" is no language of this flow', fix)
                continue
            yield from self._text(spoken.text, path, where, known, extra, language)
            if spoken.keypad is not None:
                path = (*path, "keypad")
                yield from self._text(spoken.keypad, path, where, known, extra, language)

    def _text(
        self,
        source: str,
        path: Path,
        where: str,
        known: frozenset[str],
        extra: dict[str, Value],
        language: str,
        *,
        is_condition: bool = False,
    ) -> Iterator[Problem]:
        try:
            names = variables_in_condition(source) if is_condition else variables_in(source)
        except TemplateInvalid as error:
            yield self._problem(path, f"{where}: {error.message}", error.fix)
            return
        unusable = False
        for name in sorted(names - extra.keys()):
            if name not in self.flow.variables:
                unusable = True
                fix = suggestion(name, self.flow.variables) + ' or declare it under "variables"'
                yield self._problem(path, f'{where}: unknown variable "{name}"', fix)
            elif name not in known:
                unusable = True
                message = f'{where}: variable "{name}" may have no value yet'
                fix = 'give it a "default", or make it "required: true"'
                yield self._problem(path, message, fix)
        if unusable:
            return
        try:
            values = {**self.examples, **extra}
            if is_condition:
                evaluate(source, values, language)
            elif not render(source, values, language):
                yield self._problem(path, f"{where}: the text is empty", "write what is said")
        except TemplateInvalid as error:
            yield self._problem(path, f"{where}: {error.message}", "try it on the examples")

    def _templates(
        self, node: Node, at: Path, where: str, known: frozenset[str]
    ) -> Iterator[Problem]:
        language = self.flow.languages[0]
        if isinstance(node, DecideNode):
            for index, branch in enumerate(node.branches):
                path = (*at, "branches", index, "when")
                yield from self._text(
                    branch.when, path, where, known, {}, language, is_condition=True
                )
        elif isinstance(node, TransferNode):
            yield from self._text(node.to, (*at, "to"), where, known, {}, language)
        elif isinstance(node, RequestNode):
            yield from self._http(node, at, where, known, {})
        elif isinstance(node, ConverseNode):
            yield from self._conversation(node, at, where, known)
        if isinstance(node, AskingNode):
            for index, hint in enumerate(node.hints):
                yield from self._text(hint, (*at, "hints", index), where, known, {}, language)
        yield from self._values(node, at, where, known)

    def _conversation(
        self, node: ConverseNode, at: Path, where: str, known: frozenset[str]
    ) -> Iterator[Problem]:
        language = self.flow.languages[0]
        for field in ("goal", "instructions", "facts"):
            for line in str(getattr(node, field)).splitlines():
                if "{{" in line or "{%" in line:
                    yield from self._text(line, (*at, field), where, known, {}, language)
        for name, tool in node.requests.items():
            # What the model gives, if it does: of any type, so only what is unknown is found here.
            given: object = tool.parameters.get("properties")
            named: Mapping[str, Any] = (
                cast("Mapping[str, Any]", given) if isinstance(given, dict) else dict[str, Any]()
            )
            extra = {key: _EXAMPLES.get(_type_of(schema)) for key, schema in named.items()}
            yield from self._http(tool, (*at, "requests", name), where, known, extra)

    def _http(
        self,
        call: HttpCall,
        at: Path,
        where: str,
        known: frozenset[str],
        extra: dict[str, Value],
    ) -> Iterator[Problem]:
        language = self.flow.languages[0]
        yield from self._text(call.url, (*at, "url"), where, known, extra, language)
        for header, value in call.headers.items():
            yield from self._text(value, (*at, "headers", header), where, known, extra, language)
        yield from self._body(call.json_body, (*at, "json"), where, known, extra)
        if not call.url.startswith(("http://", "https://", "{{")):
            fix = "start it with https://, or with a variable of type url"
            yield self._problem((*at, "url"), f"{where}: the url is no web address", fix)

    def _body(
        self, part: Any, path: Path, where: str, known: frozenset[str], extra: dict[str, Value]
    ) -> Iterator[Problem]:
        if isinstance(part, str) and part:
            language = self.flow.languages[0]
            yield from self._text(part, path, where, known, extra, language)
        elif isinstance(part, dict):
            for key, value in cast("dict[str, Any]", part).items():
                yield from self._body(value, (*path, key), where, known, extra)
        elif isinstance(part, tuple):
            for index, value in enumerate(cast("tuple[Any, ...]", part)):
                yield from self._body(value, (*path, index), where, known, extra)

    def _values(self, node: Node, at: Path, where: str, known: frozenset[str]) -> Iterator[Problem]:
        given: list[tuple[Path, Mapping[str, Value]]] = []
        if node.type == "set":
            given.append(((*at, "values"), node.values))
        elif node.type == "menu":
            given += [((*at, "choices", n, "set"), c.set) for n, c in node.choices.items()]
        elif node.type == "converse":
            given += [((*at, "exits", n, "set"), way.set) for n, way in node.exits.items()]
        for path, values in given:
            for name, value in values.items():
                yield from self._value(name, value, (*path, name), where, known)
                known |= {name}  # one after the other

    def _value(
        self, name: str, value: Value, path: Path, where: str, known: frozenset[str]
    ) -> Iterator[Problem]:
        variable = self.flow.variables.get(name)
        if variable is None:
            fix = suggestion(name, self.flow.variables) + ' or declare it under "variables"'
            yield self._problem(path, f'{where}: unknown variable "{name}"', fix)
        elif isinstance(value, str) and ("{{" in value or "{%" in value):
            language = self.flow.languages[0]
            yield from self._text(value, path, where, known, {}, language)
        else:
            try:
                fitted(variable, value)
            except ValueError as error:
                fix = f"write a value of type {variable.type}"
                yield self._problem(path, f'{where}: "{name}": {error}', fix)
