"""Where the cards of a drawing stand, and how the lines between them run; pure.

The usual layered drawing (Sugiyama, Tagawa, Toda 1981), from left to right: columns by distance
from the start, an order in each column with few crossings, then heights that keep lines straight.
Lines that go back run through lanes of their own below or between the cards.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

LANE = 14.0  # height that is kept free for a line passing a column
SWEEPS = 24


@dataclass(frozen=True, slots=True)
class Card:
    """A box to be placed."""

    name: str
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Line:
    """A connection: from a card's right side, `port` below its top, to another's left side."""

    source: str
    target: str
    port: float


@dataclass(frozen=True, slots=True)
class Route:
    """Where a line runs: through these points, level at each of them."""

    points: tuple[tuple[float, float], ...]
    is_back: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """The finished drawing; x and y are a card's upper left corner."""

    width: float
    height: float
    places: Mapping[str, tuple[float, float]]
    routes: tuple[Route, ...]


@dataclass(slots=True)
class _Slot:
    """A card, or a lane for a line that passes, in its column."""

    column: int
    height: float
    weight: float
    left: list[tuple["_Slot", float]] = field(default_factory=list["tuple[_Slot, float]"])
    right: list[tuple["_Slot", float]] = field(default_factory=list["tuple[_Slot, float]"])
    middle: float = 0.0


def arrange(
    cards: Sequence[Card],
    lines: Sequence[Line],
    *,
    entry: float,
    gap_x: float = 90.0,
    gap_y: float = 28.0,
) -> Layout:
    """Place the cards; the first is where it starts. Lines come in `entry` below a card's top."""
    back = _back_lines(cards, lines)
    columns = _columns(cards, lines, back)
    slots = {card.name: _Slot(columns[card.name], card.height, 1.0) for card in cards}
    order: list[list[_Slot]] = [[] for _ in range(max(columns.values()) + 1)]
    for card in cards:
        order[columns[card.name]].append(slots[card.name])
    lanes = [_lanes(slots, line, index in back, order, entry) for index, line in enumerate(lines)]
    order = _uncrossed(order)
    _align(order, gap_y)
    width = max(card.width for card in cards)
    pitch = width + gap_x
    top = min(slot.middle - slot.height / 2 for column in order for slot in column) - gap_y
    places = {
        card.name: (
            gap_x / 2 + slots[card.name].column * pitch,
            slots[card.name].middle - card.height / 2 - top,
        )
        for card in cards
    }
    routes = tuple(
        _route(line, index in back, lanes[index], places, width, gap_x, entry, top, pitch)
        for index, line in enumerate(lines)
    )
    bottom = max(slot.middle + slot.height / 2 for column in order for slot in column)
    return Layout(len(order) * pitch, bottom - top + gap_y, places, routes)


def _back_lines(cards: Sequence[Card], lines: Sequence[Line]) -> frozenset[int]:
    """The lines that close a circle, when the cards are walked through from the first."""
    out: dict[str, list[int]] = {card.name: [] for card in cards}
    for index, line in enumerate(lines):
        out[line.source].append(index)
    back: set[int] = set()
    done: set[str] = set()
    for card in cards:
        trail = [(card.name, iter(out[card.name]))] if card.name not in done else []
        while trail:
            name, rest = trail[-1]
            index = next(rest, None)
            if index is None:
                done.add(name)
                trail.pop()
                continue
            target = lines[index].target
            if any(target == seen for seen, _ in trail):
                back.add(index)
            elif target not in done:
                trail.append((target, iter(out[target])))
    return frozenset(back)


def _columns(cards: Sequence[Card], lines: Sequence[Line], back: frozenset[int]) -> dict[str, int]:
    """The longest way from the start; cards that nothing leads to stand just before the next."""
    forward = [line for index, line in enumerate(lines) if index not in back]
    columns = dict.fromkeys((card.name for card in cards), 0)
    for _ in cards:
        for line in forward:
            columns[line.target] = max(columns[line.target], columns[line.source] + 1)
    entered = {line.target for line in forward}
    for card in cards[1:]:
        after = [columns[line.target] for line in forward if line.source == card.name]
        if card.name not in entered and after:
            columns[card.name] = max(0, min(after) - 1)
    return columns


def _lanes(
    slots: dict[str, _Slot], line: Line, is_back: bool, order: list[list[_Slot]], entry: float
) -> list[_Slot]:
    """Keep lanes free for a line in the columns that it passes; those it goes back in as well."""
    source, target = slots[line.source], slots[line.target]
    first, last = source.column, target.column
    span = range(first, last - 1, -1) if is_back else range(first + 1, last)
    lanes = [_Slot(column, LANE, 4.0) for column in span]
    for lane in lanes:
        order[lane.column].append(lane)
    port, inlet = line.port - source.height / 2, entry - target.height / 2
    if is_back:
        for here, there in pairwise(reversed(lanes)):
            _join(here, there, 0.0, 0.0)
        return lanes
    chain = [source, *lanes, target]
    for here, there in pairwise(chain):
        _join(here, there, port if here is source else 0.0, inlet if there is target else 0.0)
    return lanes


def _join(left: _Slot, right: _Slot, out_at: float, in_at: float) -> None:
    left.right.append((right, in_at - out_at))
    right.left.append((left, out_at - in_at))


def _uncrossed(order: list[list[_Slot]]) -> list[list[_Slot]]:
    """Reorder each column by its neighbours' middle, to and fro; the best order seen is kept."""
    best, fewest = [list(column) for column in order], _crossings(order)
    now = [list(column) for column in order]
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        for column in now if forward else reversed(now):
            rank = {id(slot): float(i) for one in now for i, slot in enumerate(one)}
            column.sort(key=_by_neighbours(rank, use_left=forward))
        crossings = _crossings(now)
        if crossings < fewest:
            best, fewest = [list(column) for column in now], crossings
    return best


def _by_neighbours(rank: Mapping[int, float], *, use_left: bool) -> Callable[[_Slot], float]:
    def place(slot: _Slot) -> float:
        near = slot.left if use_left else slot.right
        if not near:
            return rank[id(slot)]
        # The port's place on the card decides between lines that come from one card.
        return sum(rank[id(other)] + shift / 10_000 for other, shift in near) / len(near)

    return place


def _crossings(order: list[list[_Slot]]) -> int:
    count = 0
    for column in order:
        rank = {id(s): i for one in order for i, s in enumerate(one)}
        pairs = [
            (rank[id(slot)] - shift / 10_000, rank[id(other)])
            for slot in column
            for other, shift in slot.right
        ]
        for index, (a, b) in enumerate(pairs):
            count += sum((a - c) * (b - d) < 0 for c, d in pairs[index + 1 :])
    return count


def _align(order: list[list[_Slot]], gap_y: float) -> None:
    """Heights at which lines run straight, as far as the cards let them."""
    for column in order:
        _spread(column, [0.0] * len(column), gap_y)
    for sweep in range(SWEEPS):
        for column in order if sweep % 2 == 0 else reversed(order):
            wanted = [_wanted(slot, use_left=sweep % 2 == 0) for slot in column]
            _spread(column, wanted, gap_y)


def _wanted(slot: _Slot, *, use_left: bool) -> float:
    near = (slot.left or slot.right) if use_left else (slot.right or slot.left)
    if not near:
        return slot.middle
    return sum(other.middle + shift for other, shift in near) / len(near)


def _spread(column: list[_Slot], wanted: list[float], gap_y: float) -> None:
    """Place a column as near to `wanted` as its order and gaps allow (pool adjacent violators)."""
    offset, offsets = 0.0, list[float]()
    for index, slot in enumerate(column):
        if index:
            offset += column[index - 1].height / 2 + gap_y + slot.height / 2
        offsets.append(offset)
    pools: list[tuple[float, float, int]] = []  # value, weight, how many
    for slot, want, shift in zip(column, wanted, offsets, strict=True):
        pool = (want - shift, slot.weight, 1)
        while pools and pools[-1][0] > pool[0]:
            value, weight, many = pools.pop()
            total = weight + pool[1]
            pool = ((value * weight + pool[0] * pool[1]) / total, total, many + pool[2])
        pools.append(pool)
    values = [value for value, _, many in pools for _ in range(many)]
    for slot, value, shift in zip(column, values, offsets, strict=True):
        slot.middle = value + shift


def _route(
    line: Line,
    is_back: bool,
    lanes: list[_Slot],
    places: Mapping[str, tuple[float, float]],
    width: float,
    gap_x: float,
    entry: float,
    top: float,
    pitch: float,
) -> Route:
    x, y = places[line.source]
    end_x, end_y = places[line.target]
    points = [(x + width, y + line.port)]
    for lane in lanes:
        left = gap_x / 2 + lane.column * pitch
        sides = (left + width, left) if is_back else (left, left + width)
        points += [(side, lane.middle - top) for side in sides]
    points.append((end_x, end_y + entry))
    return Route(tuple(points), is_back)
