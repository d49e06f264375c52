"""What a conversation will surely or possibly say, so that it can be synthesised beforehand."""

from collections.abc import Iterator, Mapping

from ivr_flows.actions import Say
from ivr_flows.errors import TemplateInvalid
from ivr_flows.flow import Flow, Prompt, Value, prompts_of
from ivr_flows.prompts import is_static, render, variables_in
from ivr_flows.variables import first_values


def static_prompts(flow: Flow, language: str, *, keypad_only: bool = False) -> tuple[Say, ...]:
    """The prompts that are the same in every call in `language`, in the file's order, each once."""
    return tuple(_foreseen(flow, language, {}, keypad_only))


def foreseeable_prompts(
    flow: Flow, language: str, given: Mapping[str, object], *, keypad_only: bool = False
) -> tuple[Say, ...]:
    """Also those that use nothing but the values given for a call: while the telephone rings.

    Raises:
        VariablesInvalid: the values don't fit the flow's variables.
    """
    # What the call itself finds out may change a value; only those given stay as they are.
    values = {k: v for k, v in first_values(flow, given).items() if v is not None}
    return tuple(_foreseen(flow, language, values, keypad_only))


def _foreseen(
    flow: Flow, language: str, values: Mapping[str, Value], keypad_only: bool
) -> Iterator[Say]:
    seen: set[str] = set()
    for name, node in flow.nodes.items():
        for prompt in prompts_of(node).values():
            say = _say(flow, prompt, name, language, values, keypad_only)
            if say is not None and say.text not in seen:
                seen.add(say.text)
                yield say


def _say(
    flow: Flow,
    prompt: Prompt,
    node: str,
    language: str,
    values: Mapping[str, Value],
    keypad_only: bool,
) -> Say | None:
    spoken_in, spoken = prompt.spoken(flow.languages_for(language))
    source = spoken.keypad if spoken.keypad and keypad_only else spoken.text
    if not variables_in(source) <= values.keys():
        return None
    try:
        text = render(source, values, spoken_in)
    except TemplateInvalid:
        return None
    return Say(text, spoken_in, node, prompt.barge_in, is_static(source))
