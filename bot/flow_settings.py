"""The flows and languages that the settings ask for, and what keeps them from answering calls.

The server refuses to start on what is found here, and the doctor tells it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from loguru import logger

from bot.engine_settings import options_of
from bot.errors import StartFailed
from bot.phone_numbers import e164
from bot.pipecat_engines import ALL_ENGINES
from bot.settings import Settings
from ivr_flows.errors import FlowInvalid, FlowUnknown, VariablesInvalid
from ivr_flows.flow import ConverseNode, Flow
from ivr_flows.loader import SHIPPED, load_folder
from ivr_flows.spoken_lengths import speakable_values
from ivr_flows.variables import problems_of_values
from speech.engine_table import Kind
from speech.errors import EngineUnavailable
from speech.registry import entry


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that keeps the flows from answering."""

    what: str  # the setting or the file's line, and what is wrong
    fix: str  # what to write instead

    def __str__(self) -> str:
        return f"{self.what}; {self.fix}"


def usable_flows(settings: Settings) -> dict[str, Flow]:
    """The flows by name: those shipped, and those of the settings' folder, which win.

    Raises:
        StartFailed: with every fault that was found, a line for each.
    """
    flows, faults = examine_flows(settings)
    if faults:
        raise StartFailed("\n".join(str(fault) for fault in faults))
    for warning in warnings_of(settings, flows):
        logger.warning(warning)
    return flows


def warnings_of(settings: Settings, flows: Mapping[str, Flow]) -> Iterator[str]:
    """What the flows can't do here, though they answer: conversations without a model."""
    if settings.llm.endpoints:
        return
    answering = {settings.default_flow, *(route.flow for route in settings.numbers.values())}
    unused = {path.stem for path in SHIPPED.glob("*.yaml")} - answering
    for flow in flows.values():
        for name, node in flow.nodes.items():
            if isinstance(node, ConverseNode) and flow.name not in unused:
                yield (
                    f'flow {flow.name}: no language model is set, so node "{name}" leads straight '
                    f'to "{node.fallback}"; set CALLWRIGHT_LLM__ENDPOINTS'
                )


def examine_flows(settings: Settings) -> tuple[dict[str, Flow], tuple[Fault, ...]]:
    """The flows by name, and what is wrong with them and with the settings that name them."""
    flows = load_folder(SHIPPED)
    if settings.flows_dir is not None:
        own, faults = _folder(settings.flows_dir)
        if faults:  # which flows it was to have is not known, so nothing else can be judged
            return flows, faults
        flows |= own
    faults = (
        *_default(settings, flows),
        *_variables(settings, flows),
        *_numbers(settings, flows),
        *_languages(settings),
        *_knowledge(settings, flows),
    )
    return flows, faults


def _folder(folder: Path) -> tuple[dict[str, Flow], tuple[Fault, ...]]:
    try:
        return load_folder(folder), ()
    except FlowInvalid as error:
        faults = (
            Fault(f"{problem.file}:{problem.line}: {problem.message}", problem.fix)
            for problem in error.problems
        )
        return {}, tuple(faults)
    except FlowUnknown as error:
        fix = "it must be a folder of flow files that this user may read"
        return {}, (Fault(f"CALLWRIGHT_FLOWS_DIR: {error}", fix),)


def _knowledge(settings: Settings, flows: Mapping[str, Flow]) -> Iterator[Fault]:
    """A knowledge base that isn't there would be found out by the first caller who asks."""
    if not settings.llm.endpoints:
        return  # nobody looks anything up
    for flow in flows.values():
        for name, node in flow.nodes.items():
            if isinstance(node, ConverseNode) and node.knowledge not in (
                None,
                *settings.llm.knowledge,
            ):
                what = f'flow {flow.name}: node "{name}" looks things up in "{node.knowledge}"'
                yield Fault(
                    what, f"name its folder in CALLWRIGHT_LLM__KNOWLEDGE as {node.knowledge}"
                )


def _default(settings: Settings, flows: Mapping[str, Flow]) -> Iterator[Fault]:
    if settings.default_flow not in flows:
        yield _no_flow("CALLWRIGHT_DEFAULT_FLOW", settings.default_flow, flows)


def _variables(settings: Settings, flows: Mapping[str, Flow]) -> Iterator[Fault]:
    for name, values in settings.flow_variables.items():
        if name not in flows:
            yield _no_flow("CALLWRIGHT_FLOW_VARIABLES", name, flows)
            continue
        for variable, problem in problems_of_values(flows[name], values).items():
            what, _, more = problem.partition("; ")
            yield Fault(
                f"CALLWRIGHT_FLOW_VARIABLES: {name}.{variable}: {what}",
                more or "write it so, or leave it out",
            )


def _numbers(settings: Settings, flows: Mapping[str, Flow]) -> Iterator[Fault]:
    """A flow that can't answer is found at the start, not by the first caller."""
    written: dict[str, str] = {}  # by what is dialled
    for number, route in settings.numbers.items():
        what = f"CALLWRIGHT_NUMBERS: {number}"
        dialled = e164(number, settings.default_country_code) or number
        same = written.setdefault(dialled, number)
        if same != number:
            yield Fault(f"{what} is the same number as {same}", "keep one of them")
        flow = flows.get(route.flow)
        if flow is None:
            yield _no_flow(what, route.flow, flows)
            continue
        if route.language is not None and route.language not in flow.languages:
            spoken = ", ".join(flow.languages)
            yield Fault(f"{what}: {flow.name} does not speak {route.language}", f"choose {spoken}")
        given = settings.flow_variables.get(flow.name, {})
        if problems_of_values(flow, given):
            continue  # told above
        try:
            speakable_values(flow, given)
        except VariablesInvalid as error:
            fix = "give the values in CALLWRIGHT_FLOW_VARIABLES"
            yield Fault(f"{what}: {flow.name} can't answer it: {error}", fix)


def _languages(settings: Settings) -> Iterator[Fault]:
    """An engine that does not know its language would be found out by the first caller."""
    kinds: tuple[tuple[str, Mapping[str, tuple[str, ...]], Kind], ...] = (
        ("CALLWRIGHT_HEARING", settings.hearing, "hears"),
        ("CALLWRIGHT_SPEAKING", settings.speaking, "speaks"),
    )
    for setting, chosen, kind in kinds:
        for language, names in chosen.items():
            for name in names:
                known = _known_languages(options_of(settings.engines, name)[0], kind)
                if known and language not in known:
                    what = f"{setting}__{language.upper()}: {name} {kind} {', '.join(known)} only"
                    yield Fault(what, _engines_for(language, kind))
    if settings.default_language not in settings.speaking:
        what = f"CALLWRIGHT_DEFAULT_LANGUAGE: no engine speaks {settings.default_language}"
        yield Fault(what, f"choose {', '.join(sorted(settings.speaking))}")


def _known_languages(engine: str, kind: Kind) -> tuple[str, ...]:
    """None of an engine that isn't known: that is told when it is to be loaded."""
    try:
        return entry(engine, kind, ALL_ENGINES).languages
    except EngineUnavailable:
        return ()


def _engines_for(language: str, kind: Kind) -> str:
    able = [one.name for one in ALL_ENGINES if one.kind == kind and language in one.languages]
    return f"choose {' or '.join(able)}" if able else "leave it out"


def _no_flow(where: str, name: str, flows: Mapping[str, Flow]) -> Fault:
    return Fault(f'{where}: there is no flow "{name}"', f"choose one of {', '.join(sorted(flows))}")
