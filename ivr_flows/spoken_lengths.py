"""Whether a flow can say what it is given, to its end, before anybody is called."""

from collections.abc import Iterator, Mapping

from ivr_flows.errors import TemplateInvalid, VariablesInvalid
from ivr_flows.flow import Flow, Value, prompts_of
from ivr_flows.prompts import MAX_RENDERED_CHARACTERS, render_whole, variables_in
from ivr_flows.variables import first_values


def speakable_values(flow: Flow, given: Mapping[str, object]) -> dict[str, Value]:
    """`first_values` of which no prompt, in any of the flow's languages, becomes too long.

    A prompt that is too long loses its end, which is where the question stands. The values are
    refused and not shortened: who answers yes must have heard all of it.

    Raises:
        VariablesInvalid: as `first_values`; or a prompt has more than MAX_RENDERED_CHARACTERS
            characters: names the fewest of its variables that would have to be shorter.
    """
    values = first_values(flow, given)
    problems: dict[str, str] = {}
    for place, language, source in _sources(flow):
        try:
            used = variables_in(source)
            length = len(render_whole(source, values, language)) if used else 0
        except TemplateInvalid:
            continue  # it needs a value that the call itself finds out
        if length > MAX_RENDERED_CHARACTERS:
            for name, characters in _longest(values, used, length - MAX_RENDERED_CHARACTERS):
                problems.setdefault(
                    name,
                    f'{characters} characters, with which "{place}" would be {length} characters '
                    f"long; at most {MAX_RENDERED_CHARACTERS} can be said at once. Shorten it",
                )
    if problems:
        raise VariablesInvalid(flow.name, problems)
    return values


def _sources(flow: Flow) -> Iterator[tuple[str, str, str]]:
    """Every text of the flow: where it is, its language, and itself."""
    for node_name, node in flow.nodes.items():
        for path, prompt in prompts_of(node).items():
            place = ".".join((node_name, *path))
            for language, spoken in prompt.texts.items():
                for source in (spoken.text, spoken.keypad):
                    if source:
                        yield place, language, source


def _longest(
    values: Mapping[str, Value], names: frozenset[str], excess: int
) -> Iterator[tuple[str, int]]:
    """The longest values, with their characters, until they are as many as are too many."""
    lengths = {name: _characters(values.get(name)) for name in names}
    for name in sorted(names, key=lambda name: (-lengths[name], name)):
        yield name, lengths[name]
        excess -= lengths[name]
        if excess <= 0:
            return


def _characters(value: Value) -> int:
    if value is None:
        return 0
    return len(", ".join(value)) if isinstance(value, tuple) else len(str(value))
