"""A picture of a flow: as Mermaid text, or as an SVG that needs no program but a browser."""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from ivr_flows.flow import CollectNode, Flow, HangUpNode, ListenNode, MenuNode, Node, TransferNode
from ivr_flows.graph import Exit, exits
from ivr_flows.layout import Card, Line, Route, arrange

WIDTH = 236.0
HEAD, TEXT_LINE, ROW, PAD = 28.0, 15.0, 21.0, 8.0
LETTERS_A_LINE = 36  # of an 11 px sans serif within WIDTH
MAX_TEXT_LINES = 4

_COLOURS = {
    "say": "#3b6fb6",
    "menu": "#7a4fb5",
    "collect": "#7a4fb5",
    "listen": "#7a4fb5",
    "converse": "#9d3f8f",
    "decide": "#8a6d1f",
    "set": "#6b7280",
    "request": "#0f7b6c",
    "transfer": "#c05621",
    "hangup": "#b23a48",
    "from": "#4b5563",
}
_STYLE = """
text { font-family: 'Noto Sans', 'Noto Sans Devanagari', 'Helvetica Neue', Arial, sans-serif; }
.name { font-size: 13px; font-weight: 600; fill: #fff; }
.type { font-size: 10px; fill: #fff; fill-opacity: .85; }
.said { font-size: 11px; fill: #374151; }
.way { font-size: 11px; fill: #111827; font-weight: 600; }
.lapse { font-size: 11px; fill: #6b7280; font-style: italic; }
.title { font-size: 20px; font-weight: 700; fill: #111827; }
.about { font-size: 12px; fill: #4b5563; }
.line { fill: none; stroke: #4b5563; stroke-width: 1.5; }
.line.lapse { stroke: #9ca3af; stroke-dasharray: 5 4; }
""".strip()


@dataclass(frozen=True, slots=True)
class _Row:
    """One way out, as it is written on a card."""

    label: str
    target: str | None  # None: it stays here
    is_lapse: bool  # taken because something did not come or did not work


@dataclass(frozen=True, slots=True)
class _Picture:
    """A card before it is placed."""

    name: str
    title: str
    kind: str
    text: tuple[str, ...]
    rows: tuple[_Row, ...]

    @property
    def height(self) -> float:
        text = PAD + len(self.text) * TEXT_LINE if self.text else 0.0
        rows = PAD + len(self.rows) * ROW if self.rows else 0.0
        return HEAD + text + rows + (PAD if self.text and not self.rows else 0.0)

    def port(self, index: int) -> float:
        """How far below the card's top the line of a row starts."""
        text = PAD + len(self.text) * TEXT_LINE if self.text else 0.0
        return HEAD + text + PAD / 2 + (index + 0.5) * ROW


def svg(flow: Flow, language: str | None = None) -> str:
    """The flow as an SVG document; texts in `language`, else in the flow's first."""
    pictures = _pictures(flow, language or flow.languages[0])
    lines = [
        (Line(picture.name, row.target, picture.port(index)), row.is_lapse)
        for picture in pictures
        for index, row in enumerate(picture.rows)
        if row.target is not None
    ]
    cards = [Card(picture.name, WIDTH, picture.height) for picture in pictures]
    layout = arrange(cards, [line for line, _ in lines], entry=HEAD / 2)
    head = 72.0
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{layout.width:.0f}" '
        f'height="{layout.height + head:.0f}" '
        f'viewBox="0 0 {layout.width:.0f} {layout.height + head:.0f}" role="img">',
        f"<title>{escape(flow.title)}</title><style>{_STYLE}</style>",
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#4b5563"/></marker></defs>',
        '<rect width="100%" height="100%" fill="#fbfbfa"/>',
        f'<text class="title" x="45" y="36">{escape(flow.title)}</text>',
        f'<text class="about" x="45" y="58">{escape(_about(flow))}</text>',
        f'<g transform="translate(0 {head:.0f})">',
    ]
    for route, (_, is_lapse) in zip(layout.routes, lines, strict=True):
        kind = "line lapse" if is_lapse else "line"
        parts.append(f'<path class="{kind}" d="{_curve(route)}" marker-end="url(#arrow)"/>')
    for picture in pictures:
        parts += _card(picture, *layout.places[picture.name])
    return "\n".join([*parts, "</g></svg>", ""])


def mermaid(flow: Flow, language: str | None = None) -> str:
    """The flow as a Mermaid flowchart, for pages that draw those."""
    pictures = _pictures(flow, language or flow.languages[0])
    shapes = {"menu": "{{%s}}", "decide": "{%s}"}
    shapes |= dict.fromkeys(("collect", "listen", "converse"), "[/%s/]")
    shapes |= {"hangup": "([%s])", "transfer": "([%s])", "from": "((%s))"}
    out = ["flowchart LR"]
    for picture in pictures:
        text = " ".join(picture.text)
        words = f"<b>{picture.title}</b>" + (f"<br/>{_quoted(text)}" if text else "")
        shape = shapes.get(picture.kind, "[%s]") % f'"{words}"'
        out.append(f"  {_id(picture.name)}{shape}")
    for picture in pictures:
        for row in picture.rows:
            if row.target is None:
                continue
            arrow = "-.->" if row.is_lapse else "-->"
            label = f'|"{_quoted(row.label)}"|' if row.label else ""
            out.append(f"  {_id(picture.name)} {arrow}{label} {_id(row.target)}")
    return "\n".join(out) + "\n"


def _pictures(flow: Flow, language: str) -> list[_Picture]:
    """The cards, the start first; two more say what can happen anywhere."""
    names = [flow.start, *(name for name in flow.nodes if name != flow.start)]
    pictures = [_picture(flow, name, language) for name in names]
    operator = flow.anywhere.operator
    if operator is not None:
        label = " · ".join([*operator.keys, "a person asked for"])
        rows = (_Row(label, operator.then, False),)
        pictures.append(_Picture("anywhere!", "at any question", "from", (), rows))
    rows = (_Row("the call can't go on", flow.give_up, True),)
    pictures.append(_Picture("give_up!", "at any time", "from", (), rows))
    return pictures


def _picture(flow: Flow, name: str, language: str) -> _Picture:
    node = flow.nodes[name]
    rows = list(_rows(flow, node, name))
    text = tuple(_wrapped(_said(flow, node, language)))
    return _Picture(name, name.replace("_", " "), node.type, text, tuple(rows))


def _rows(flow: Flow, node: Node, name: str) -> Iterator[_Row]:
    """The ways out in the file's order; what merely fails the same way shares a row."""
    ways = [way for way in exits(flow, name) if not way.is_global]
    for way in ways:
        if not _is_lapse(node, way):
            yield _Row(_cut(way.label or "next", 38), way.target, False)
    if isinstance(node, MenuNode):
        for answer, choice in node.choices.items():
            if choice.then is None:
                sign = "↺" if choice.repeat else f"→ {choice.language}"
                label = f"{' '.join(choice.keys)} · {answer.replace('_', ' ')} {sign}"
                yield _Row(_cut(label, 38), None, False)
    lapses = [way for way in ways if _is_lapse(node, way)]
    for target in dict.fromkeys(way.target for way in lapses):
        labels = ", ".join(way.label for way in lapses if way.target == target)
        yield _Row(_cut(labels, 38), target, True)


def _is_lapse(node: Node, way: Exit) -> bool:
    names = ("no input", "no match", "no ear", "no model", "limits", "failure", "nobody there")
    return way.label in names and node.type != "decide"


def _said(flow: Flow, node: Node, language: str) -> str:
    """What a card says of its node: the prompt, or what is done without words."""
    extra = ""
    match node:
        case HangUpNode():
            extra = f"[{node.disposition}] "
        case CollectNode() | ListenNode():
            extra = f"[{node.variable}] "
        case _:
            pass
    prompt = getattr(node, "prompt", None)
    if prompt is not None:
        return extra + prompt.spoken((language, *flow.languages_for(language)))[1].text
    match node:
        case TransferNode():
            return f"to {node.to}"
        case _ if node.type == "set":
            return ", ".join(f"{name} = {value}" for name, value in node.values.items())
        case _ if node.type == "request":
            return f"{node.method} {node.url}"
        case _:
            return extra


def _wrapped(text: str) -> Iterator[str]:
    lines: list[str] = [""]
    for word in text.replace("{{ ", "{").replace(" }}", "}").split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > LETTERS_A_LINE:
            lines.append("")
        lines[-1] = _cut(f"{lines[-1]} {word}".strip(), LETTERS_A_LINE)
    if len(lines) > MAX_TEXT_LINES:
        lines = [*lines[: MAX_TEXT_LINES - 1], _cut(lines[MAX_TEXT_LINES - 1], 34) + " …"]
    yield from (line for line in lines if line)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _about(flow: Flow) -> str:
    given = [name for name, variable in flow.variables.items() if variable.required]
    found = list(flow.outcomes)
    facts = [f"flow {flow.name}", f"languages {', '.join(flow.languages)}"]
    facts += [f"given: {', '.join(given)}"] if given else []
    facts += [f"reported: {', '.join(found)}"] if found else []
    return "  ·  ".join(facts)


def _card(picture: _Picture, x: float, y: float) -> Iterator[str]:
    colour, height = _COLOURS[picture.kind], picture.height
    yield f'<g transform="translate({x:.1f} {y:.1f})">'
    yield (
        f'<rect width="{WIDTH:.0f}" height="{height:.0f}" rx="7" fill="#fff" stroke="{colour}"/>'
        f'<path d="M0 {HEAD}V7a7 7 0 0 1 7-7H{WIDTH - 7}a7 7 0 0 1 7 7V{HEAD}z" fill="{colour}"/>'
        f'<text class="name" x="10" y="19">{escape(_cut(picture.title, 26))}</text>'
    )
    if picture.kind != "from":
        yield (
            f'<text class="type" x="{WIDTH - 10}" y="18" text-anchor="end">{picture.kind}</text>'
        )
    for index, line in enumerate(picture.text):
        at = HEAD + PAD / 2 + (index + 0.85) * TEXT_LINE
        yield f'<text class="said" x="10" y="{at:.1f}">{escape(line)}</text>'
    for index, row in enumerate(picture.rows):
        at, kind = picture.port(index), "lapse" if row.is_lapse else "way"
        yield (
            f'<text class="{kind}" x="{WIDTH - 12}" y="{at + 4:.1f}" text-anchor="end">'
            f"{escape(row.label)}</text>"
        )
        if row.target is not None:
            yield f'<circle cx="{WIDTH}" cy="{at:.1f}" r="3.5" fill="#fff" stroke="{colour}"/>'
    yield "</g>"


def _curve(route: Route) -> str:
    """Level at every point, curved between; where a line turns back it swings out first."""
    start = route.points[0]
    parts = [f"M{start[0]:.1f} {start[1]:.1f}"]
    last = len(route.points) - 2
    for index, ((x0, y0), (x1, y1)) in enumerate(pairwise(route.points)):
        bend = max(24.0, min(60.0, abs(x1 - x0) / 2))
        out, into = bend, -bend
        if route.is_back:
            out, into = (bend if index == 0 else -bend), (-bend if index == last else bend)
        parts.append(f"C{x0 + out:.1f} {y0:.1f} {x1 + into:.1f} {y1:.1f} {x1:.1f} {y1:.1f}")
    return "".join(parts)


def _id(name: str) -> str:
    # "end" is a word of Mermaid's own.
    return "n_" + name.replace("!", "_")


def _quoted(text: str) -> str:
    return escape(text, quote=False).replace('"', "#quot;").replace("{", "(").replace("}", ")")
