"""Whether a flow's answers can be told apart, and its variables hold what is put into them."""

import json
import re
import unicodedata
from collections.abc import Iterator

from ivr_flows.answers import shared_phrases
from ivr_flows.checking.texts import STAND_INS
from ivr_flows.checking.ways import suggestion
from ivr_flows.errors import Problem
from ivr_flows.flow import (
    AskingNode,
    CollectNode,
    Flow,
    ListenNode,
    MenuNode,
    RequestNode,
    Variable,
)
from ivr_flows.meanings import Means, means_at
from ivr_flows.prompts import RESERVED
from ivr_flows.variables import fitted
from ivr_flows.yaml_tree import Path, Tree


def check_head(flow: Flow, tree: Tree) -> Iterator[Problem]:
    """Languages, fallbacks and variables."""
    known = frozenset(flow.languages)
    if len(known) < len(flow.languages):
        message = "a language stands here twice"
        yield Problem(tree.file, tree.line(("languages",)), message, "remove one of the two")
    named: list[tuple[Path, str]] = [(("fallbacks", n), n) for n in flow.fallbacks]
    named += [(("fallbacks", n), other) for n, other in flow.fallbacks.items()]
    named += [(("anywhere", "languages", n), n) for n in flow.anywhere.languages]
    for name, node in flow.nodes.items():
        if isinstance(node, MenuNode):
            named += [
                (("nodes", name, "choices", key, "language"), choice.language)
                for key, choice in node.choices.items()
                if choice.language is not None
            ]
    for path, language in named:
        if language not in known:
            message = f'"{language}" is no language of this flow'
            yield Problem(tree.file, tree.line(path), message, suggestion(language, known))
    yield from _variables(flow, tree)


def _variables(flow: Flow, tree: Tree) -> Iterator[Problem]:
    for name, variable in flow.variables.items():
        at: Path = ("variables", name)
        if name in RESERVED:
            message = f'"{name}" always means the language of the call'
            yield Problem(tree.file, tree.line(at), message, "choose another name")
        for field, value in (("default", variable.default), ("example", variable.example)):
            try:
                # Without its own example, which would be shown as one and may be what is wrong.
                fitted(variable.model_copy(update={"example": None}), value)
            except ValueError as error:
                message = f'variable "{name}", {field}: {error}'
                good = json.dumps(STAND_INS[variable.type])
                fix = f"write a value of type {variable.type}, e.g. {good}"
                yield Problem(tree.file, tree.line((*at, field)), message, fix)
        yield from _limits(tree, name, variable)
        if variable.required and variable.default is not None:
            message = f'variable "{name}" is required and has a default'
            yield Problem(tree.file, tree.line(at), message, "keep one of the two")
        if variable.required and variable.example is None:
            message = f'variable "{name}" is required and has no example'
            fix = 'add "example: ...": it is used to check the texts and to try the flow'
            yield Problem(tree.file, tree.line(at), message, fix)


def _limits(tree: Tree, name: str, variable: Variable) -> Iterator[Problem]:
    """The min and max of a variable."""
    at: Path = ("variables", name)
    limits = {"min": variable.min, "max": variable.max}
    given = [field for field, limit in limits.items() if limit is not None]
    if given and variable.type not in ("integer", "number"):
        message = f'variable "{name}" is a {variable.type} and has a {given[0]}'
        fix = "declare it as integer or number, or remove it"
        yield Problem(tree.file, tree.line((*at, given[0])), message, fix)
    if variable.min is not None and variable.max is not None and variable.min > variable.max:
        message = f'variable "{name}": min is more than max'
        yield Problem(tree.file, tree.line((*at, "min")), message, "swap the two")


def check_answers(flow: Flow, tree: Tree) -> Iterator[Problem]:
    """Keys and phrases of each question, and the variables that answers go into."""
    yield from _phrase_languages(flow, tree)
    seen: set[str] = set()
    for name, node in flow.nodes.items():
        if isinstance(node, AskingNode):
            for problem in _shared(flow, tree, name):
                # What is shared by two answers that count anywhere is one problem, not one a node.
                if str(problem) not in seen:
                    seen.add(str(problem))
                    yield problem
        if isinstance(node, MenuNode | ListenNode):
            for place, variable in enumerate(node.extract):
                path: Path = ("nodes", name, "extract", place)
                yield from _holds(flow, tree, path, variable, _EXTRACTED)
        if isinstance(node, CollectNode):
            yield from _collect(flow, tree, name, node)
        if isinstance(node, ListenNode):
            yield from _holds(flow, tree, ("nodes", name, "variable"), node.variable, ("text",))
        if isinstance(node, RequestNode):
            for variable in node.save:
                path = ("nodes", name, "save", variable)
                yield from _holds(flow, tree, path, variable, ())


_EXTRACTED = ("text", "integer", "number", "boolean", "phone")


def _holds(
    flow: Flow, tree: Tree, path: Path, name: str, types: tuple[str, ...]
) -> Iterator[Problem]:
    variable = flow.variables.get(name)
    if variable is None:
        fix = suggestion(name, flow.variables) + ' or declare it under "variables"'
        yield Problem(tree.file, tree.line(path), f'unknown variable "{name}"', fix)
    elif types and variable.type not in types:
        message = f'variable "{name}" is a {variable.type}'
        yield Problem(tree.file, tree.line(path), message, f"declare it as {' or '.join(types)}")


def _collect(flow: Flow, tree: Tree, name: str, node: CollectNode) -> Iterator[Problem]:
    at: Path = ("nodes", name)
    types = ("text",) if node.kind == "digits" else ("integer", "number")
    yield from _holds(flow, tree, (*at, "variable"), node.variable, types)
    for low, high in (("min_digits", "max_digits"), ("min", "max")):
        if getattr(node, low) > getattr(node, high):
            message = f'node "{name}": {low} is more than {high}'
            yield Problem(tree.file, tree.line((*at, low)), message, "swap the two")
    if node.finish_key.isdigit():
        message = f'node "{name}": the finish key is a digit, which belongs to the number'
        yield Problem(tree.file, tree.line((*at, "finish_key")), message, 'use "#" or "*"')
    if node.read_back and node.read_back.yes_key == node.read_back.no_key:
        message = f'node "{name}": one key means both yes and no'
        path = (*at, "read_back", "no_key")
        yield Problem(tree.file, tree.line(path), message, "choose another no_key")
    yield from _read_back_keys(flow, tree, name, node)


def _read_back_keys(flow: Flow, tree: Tree, name: str, node: CollectNode) -> Iterator[Problem]:
    """A caller who was told "9 for a person" must not say yes with it."""
    anywhere = flow.anywhere
    owners: dict[str, str] = {}
    for field in ("repeat", "operator", "next_language"):
        anytime = getattr(anywhere, field)
        owners |= dict.fromkeys(anytime.keys, field) if anytime is not None else {}
    for code, switch in anywhere.languages.items():
        owners |= dict.fromkeys(switch.keys, f"language_{code}")
    for field in ("yes_key", "no_key") if node.read_back else ():
        key: str = getattr(node.read_back, field)
        if key in owners:
            message = f'node "{name}": key {key} means both {field[:-4]} and "{owners[key]}"'
            path: Path = ("nodes", name, "read_back", field)
            yield Problem(tree.file, tree.line(path), message, f"choose another {field}")


def _phrase_languages(flow: Flow, tree: Tree) -> Iterator[Problem]:
    given: list[tuple[Path, dict[str, tuple[str, ...]]]] = []
    for name, node in flow.nodes.items():
        if isinstance(node, MenuNode):
            for key, choice in node.choices.items():
                given.append((("nodes", name, "choices", key, "phrases"), choice.phrases))
    for field in ("repeat", "operator", "next_language"):
        anytime = getattr(flow.anywhere, field)
        if anytime is not None:
            given.append((("anywhere", field, "phrases"), anytime.phrases))
    for path, phrases in given:
        where = f'node "{path[1]}": ' if path[0] == "nodes" else ""
        answer = path[3] if path[0] == "nodes" else path[1]
        for language in phrases and flow.languages:
            if not phrases.get(language) and language not in flow.fallbacks:
                message = f'{where}"{answer}" has no phrases in "{language}"'
                fix = f'add "{language}: [...]", or "fallbacks: {{{language}: ...}}" at the top'
                yield Problem(tree.file, tree.line(path), message, fix)
        for language in phrases.keys() - set(flow.languages):
            message = f'{where}"{language}" is no language of this flow'
            fix = suggestion(language, flow.languages)
            yield Problem(tree.file, tree.line((*path, language)), message, fix)


def _shared(flow: Flow, tree: Tree, name: str) -> Iterator[Problem]:
    """Answers that two choices of one question have in common."""
    node = flow.nodes[name]
    for language in flow.languages:
        possible = means_at(flow, node, language)
        owners: dict[str, Means] = {}
        for means in possible:
            answers = [f"key {key}" for key in means.keys]
            answers += [f'"{plain(phrase)}"' for phrase in means.phrases]
            answers += [f"the builtin {means.builtin}"] if means.builtin else []
            for answer in dict.fromkeys(answers):
                other = owners.setdefault(answer, means)
                if other is not means:
                    message = f'{answer} means both "{other.name}" and "{means.name}"'
                    yield _at_choice(flow, tree, name, means, other, message, language)
        yield from _confused(flow, tree, name, possible, language)


def _confused(
    flow: Flow, tree: Tree, name: str, possible: tuple[Means, ...], language: str
) -> Iterator[Problem]:
    """Phrases that are understood as another choice than their own, though written otherwise."""
    by_name = {means.name: means for means in possible}
    choices = [means.choice for means in possible]
    for phrase, owner, rival in shared_phrases(choices, language):
        is_named_above = plain(phrase) in map(plain, by_name[rival].phrases)
        if not is_named_above and phrase not in by_name[owner].keys:
            message = f'"{phrase}" of "{owner}" is understood as "{rival}"'
            yield _at_choice(flow, tree, name, by_name[owner], None, message, language)


def _at_choice(
    flow: Flow,
    tree: Tree,
    name: str,
    means: Means,
    other: Means | None,
    message: str,
    language: str,
) -> Problem:
    node = flow.nodes[name]
    own = node.choices if isinstance(node, MenuNode) else {}
    culprit = means if means.name in own or other is None else other
    if culprit.name in own:
        path: Path = ("nodes", name, "choices", culprit.name)
        where = f'node "{name}": '
    else:
        field = culprit.name
        path = ("anywhere", *(("languages", field[9:]) if field[:9] == "language_" else (field,)))
        where = ""
    if message.startswith('"'):
        path = (*path, "phrases", language)
    elif message.startswith("key"):
        path = (*path, "keys")
    fix = "give each answer its own, or name the choice like the one it replaces"
    return Problem(tree.file, tree.line(path), where + message, fix)


def plain(phrase: str) -> str:
    """A phrase as it is compared: no case, no punctuation, one space."""
    text = unicodedata.normalize("NFC", phrase).casefold()
    return " ".join(re.sub(r"[^\w\s\u0900-\u097f]", " ", text).split())
