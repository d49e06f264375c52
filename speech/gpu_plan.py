"""Which engines fit into a GPU's memory together, and whether one fits into what is left. Pure but
for looking at the files of a model that lies in a folder.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from speech.errors import EngineUnavailable
from speech.gpu_sizes import GIB, MARGIN, PROCESS_BYTES, USABLE, EngineSize, size_of

CARD_BYTES = 12 * GIB
FIRST_PORT = 8090
"""Of a plan's speech servers; the others follow it."""

_WEIGHT_FILES = frozenset({".bin", ".onnx", ".data", ".pt", ".pth", ".safetensors"})


_LARGEST_WHISPER = "large-v3"
"""What a Whisper that the table doesn't know is taken for."""

_WHISPER_ALIASES = {
    "turbo": "large-v3-turbo",
    "large": "large-v3",
    "large-v1": "large-v2",
    "distil-large-v3.5": "distil-large-v3",
}
"""Models of the same shape."""


@dataclass(frozen=True, slots=True)
class Member:
    """An engine of a profile."""

    engine: str
    model: str
    precision: str
    does: str  # in words
    arguments: str  # what to start it with
    is_on_gpu: bool = True
    most_streams: int = 0  # its own option; 0: as many as there are

    @property
    def label(self) -> str:
        """For tables."""
        name = self.engine if self.model == "released" else f"{self.engine} {self.model}"
        return f"{name} {self.precision}"


_TURBO = Member(
    *("whisper", "large-v3-turbo", "int8", "hears en hi mr"),
    "callwright speech --engines 'whisper:model=large-v3-turbo;device=cuda'",
)
_KOKORO = Member(
    *("kokoro", "released", "float32", "speaks en hi"),
    "callwright speech --engines 'kokoro:device=cuda'",
)

PROFILES: Mapping[str, tuple[Member, ...]] = {
    # The best voices for each of the three languages.
    "12gb-max": (
        _TURBO,
        Member(
            *("xtts", "released", "float16", "speaks en hi, in learned voices"),
            "callwright speech --engines 'xtts:device=cuda;accept_licence=true'",
        ),
        Member(
            *("indic_parler", "released", "bfloat16", "speaks mr hi en"),
            "callwright speech --engines 'indic_parler:device=cuda;max_streams=2'",
            most_streams=2,  # each chunk decodes the audio so far anew: 1 GiB a stream
        ),
    ),
    # A small vocoder that is faster than any other here; the ear with the smallest decoder.
    "12gb-latency": (_TURBO, _KOKORO),
    # Everything of a conversation on one card.
    "12gb-local-llm": (
        Member(
            *("vllm", "qwen2.5-7b", "awq", "holds the conversation"),
            "vllm serve Qwen/Qwen2.5-7B-Instruct-AWQ --max-model-len 4096 "
            "--gpu-memory-utilization {share:.2f}",
        ),
        _TURBO,
        Member(
            *("kokoro", "released", "float32", "speaks en hi"),
            "callwright speech --engines 'kokoro:device=cpu'",
            is_on_gpu=False,  # faster than speech there too
        ),
    ),
}
"""What each loads, the least dispensable first: what doesn't fit is left out from the end."""

LLAMA = Member(
    *("vllm", "llama-3.1-8b", "awq", "holds the conversation"),
    "vllm serve hugging-quants/Meta-Llama-3.1-8B-Instruct-AWQ-INT4 --max-model-len 4096 "
    "--gpu-memory-utilization {share:.2f}",
)
"""Instead of Qwen2.5."""


@dataclass(frozen=True, slots=True)
class Row:
    """One engine's share."""

    member: Member
    size: EngineSize
    work_bytes: int  # for the plan's streams

    @property
    def total_bytes(self) -> int:
        """With the margin and the process; nothing for one on the processor."""
        if not self.member.is_on_gpu:
            return 0
        if self.member.engine == "vllm":  # it takes the share that it is given, and no more
            return self.size.weights_bytes + self.work_bytes + PROCESS_BYTES
        return round((self.size.weights_bytes + self.work_bytes) * MARGIN) + PROCESS_BYTES


@dataclass(frozen=True, slots=True)
class Plan:
    """What a profile takes of a card."""

    rows: tuple[Row, ...]
    streams: int
    usable_bytes: int

    @property
    def total_bytes(self) -> int:
        """Of all engines."""
        return sum(row.total_bytes for row in self.rows)

    @property
    def free_bytes(self) -> int:
        """What is left; under zero: what is missing."""
        return self.usable_bytes - self.total_bytes

    @property
    def left_out(self) -> tuple[Row, ...]:
        """Those that find no room, taken in their order."""
        left, out = self.usable_bytes, list[Row]()
        for row in self.rows:
            if row.total_bytes > left:
                out.append(row)
            else:
                left -= row.total_bytes
        return tuple(out)

    def command(self, row: Row) -> str:
        """How that engine is started; each speech server at a port of its own."""
        share = row.total_bytes * USABLE / self.usable_bytes
        command = row.member.arguments.format(share=share)
        if row.member.engine == "vllm":
            return command
        servers = [each for each in self.rows if each.member.engine != "vllm"]
        return f"{command} --port {FIRST_PORT + servers.index(row)}"


def plan(members: Sequence[Member], *, streams: int = 4, card_bytes: int = CARD_BYTES) -> Plan:
    """What `members` take of a card of `card_bytes`, for so many calls that work at once."""
    rows: list[Row] = []
    for member in members:
        size = size_of(member.engine, member.model, member.precision)
        if size is None:
            raise LookupError(f"speech/gpu_sizes.py has no row for {member.label}")
        working = min(streams, member.most_streams or streams)
        rows.append(Row(member, size, size.need_bytes(working) - size.weights_bytes))
    return Plan(tuple(rows), streams, int(card_bytes * USABLE))


def need_bytes(engine: str, options: Mapping[str, str], *, is_on_gpu: bool) -> int | None:
    """What loading an engine and one stream of it take; None where nobody knows, or it is little.

    A model in a folder is as large as its files; one from the hub stands in the table. A Whisper
    that doesn't counts as the largest.
    """
    given = options.get("model", "")
    chosen = _named(engine, options, is_on_gpu=is_on_gpu)
    known = size_of(engine, *chosen) if chosen else None
    process = PROCESS_BYTES if is_on_gpu else 0
    if given and Path(given).expanduser().is_dir():
        weights = _files_bytes(Path(given).expanduser())
        if known is not None and known.weights_bytes < weights <= 4 * known.weights_bytes:
            weights = known.weights_bytes  # the released one, which is loaded in fewer bits
        return weights + process if weights else None
    if known is None and engine == "whisper" and chosen:
        known = size_of(engine, _LARGEST_WHISPER, chosen[1])
    return known.need_bytes(1) + process if known else None


def check_fits(
    engine: str, options: Mapping[str, str], free_bytes: int, *, is_on_gpu: bool = True
) -> None:
    """Refuse an engine for which there is not enough memory left.

    Raises:
        EngineUnavailable: says what it needs, what is left, and what to do.
    """
    need = need_bytes(engine, options, is_on_gpu=is_on_gpu)
    if need is None or need <= free_bytes:
        return
    where = "the GPU" if is_on_gpu else "this machine"
    fixes = ["take a smaller model", "unload another engine"]
    fixes.append("load it elsewhere: option device=cpu" if is_on_gpu else "add memory")
    raise EngineUnavailable(
        f"{engine} needs about {in_gib(need)} to load and speak or hear once, and {where} has "
        f"{in_gib(free_bytes)} free, {in_gib(need - free_bytes)} too little: {', '.join(fixes)} "
        "(callwright gpu plan says what fits together)"
    )


def in_gib(size_bytes: int) -> str:
    """For people."""
    return f"{size_bytes / GIB:.1f} GiB"


def _named(engine: str, options: Mapping[str, str], *, is_on_gpu: bool) -> tuple[str, str] | None:
    """Model and precision in the table that the options mean; None: not one of it."""
    match engine:
        case "whisper":
            model = options.get("model", "auto")
            if model == "auto":
                model = "large-v3-turbo" if is_on_gpu else "small"
            kind = options.get("compute_type", "auto")
            model = _whisper_name(model)
            return model, "int8" if kind == "auto" or kind.startswith("int8") else "float16"
        case "xtts" | "indic_parler":
            wanted = options.get("precision", "auto")
            low = "float16" if engine == "xtts" else "bfloat16"
            if wanted == "auto":
                return "released", low if is_on_gpu else "float32"
            return "released", "float32" if wanted in ("fp32", "float32") else low
        case "chatterbox":
            return options.get("variant", "multilingual"), "float32"
        case "kokoro" | "indic_conformer":
            return "released", "float32"
        case _:
            return None


def _whisper_name(model: str) -> str:
    """As the table calls it; of a repository its last part, without what converters add."""
    name = model.rpartition("/")[2].removeprefix("faster-").removesuffix("-ct2")
    name = name.removeprefix("whisper-").replace("distil-whisper-", "distil-").removesuffix(".en")
    return _WHISPER_ALIASES.get(name, name)


def _files_bytes(folder: Path) -> int:
    """Of the weights in a folder, and in those right below it."""
    files = (*folder.glob("*"), *folder.glob("*/*"))
    return sum(f.stat().st_size for f in files if f.suffix in _WEIGHT_FILES and f.is_file())
