"""What can be set of the speech server, and how its list of engines is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from speech.engine_table import ENGINES, Kind
from speech.errors import OptionInvalid


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """One engine to be loaded."""

    model: str  # the id that clients ask for
    engine: str  # the name in the registry
    kind: Kind
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    max_streams: int = 0  # utterances or texts at once; 0: the server's own limit


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """The server's limits. Each bounds what one client can take from the others."""

    host: str = "127.0.0.1"
    port: int = 8090
    token: str | None = None  # None: only this machine is served, and nothing of /admin
    admin_token: str | None = None  # for /admin instead of `token`; None: that serves both
    redis_url: str | None = field(default=None, repr=False)  # where custom voices are kept, too
    max_streams: int = 64  # at once, for each engine that does not say less
    max_upload_bytes: int = 25 << 20  # OpenAI's own limit
    max_json_bytes: int = 1 << 20
    max_text_chars: int = 4096  # OpenAI's own limit for `input`
    max_audio_s: float = 1800.0  # of one uploaded file
    max_audio_at_once_s: float = 7200.0  # of all files being transcribed: 230 MB an hour
    max_utterance_s: float = 110.0  # of a websocket; an engine's stream keeps 120 s
    max_sockets: int = 256
    idle_utterance_s: float = 30.0  # an open utterance that gets no message
    idle_socket_s: float = 600.0  # a socket without one: clients keep some warm
    first_chunk_s: float = 30.0  # a long sentence on a CPU; a GPU needs under one
    chunk_s: float = 15.0  # between two chunks
    decode_s: float = 60.0  # ffmpeg, for one file
    body_idle_s: float = 20.0  # a body of which nothing more comes
    write_s: float = 30.0  # a reader that takes nothing: a paused player comes back sooner
    drain_s: float = 30.0  # after the first signal, for what is running


def read_engines(texts: Sequence[str]) -> tuple[EngineSpec, ...]:
    """The engines of `--engines`: `moonshine,espeak` or `whisper:model=small;device=cuda`.

    Engines are separated by commas, options by semicolons. `ID=ENGINE` gives an engine another id,
    and so allows it twice: `fast=whisper:model=base,good=whisper:model=turbo`. `hears/NAME` and
    `speaks/NAME` tell two engines of one name apart. `max_streams` is an option of any. What
    stands after a comma and names no engine belongs to the option before it (`languages=en,hi`).

    Raises:
        OptionInvalid: names the part that is wrong, and how it is written.
    """
    parts = [part for text in texts for part in _parts(text)]
    if not parts:
        raise OptionInvalid("--engines names no engine: write for instance moonshine,espeak")
    specs = tuple(_spec(part) for part in parts)
    for index, spec in enumerate(specs):
        if any(other.model == spec.model and other.kind == spec.kind for other in specs[:index]):
            raise OptionInvalid(
                f"--engines names {spec.model!r} twice: give one another id, "
                f"{spec.model}-2={spec.engine}"
            )
    return specs


def spec_of(
    name: str, options: Mapping[str, str], *, model: str = "", kind: Kind | None = None
) -> EngineSpec:
    """An engine by its name in the registry, perhaps written `hears/NAME`, with its options.

    Raises:
        OptionInvalid: the name is unknown or stands for two, or `max_streams` is no number.
    """
    prefix, _, plain = name.rpartition("/")
    kinds: list[Kind] = [
        entry.kind
        for entry in ENGINES
        if entry.name == plain and prefix in ("", entry.kind) and kind in (None, entry.kind)
    ]
    if not kinds:
        known = ", ".join(sorted({entry.name for entry in ENGINES}))
        raise OptionInvalid(f"there is no engine {name!r}; there are: {known}")
    if len(kinds) > 1:
        raise OptionInvalid(f"{name!r} both hears and speaks: write hears/{name} or speaks/{name}")
    left = dict(options)
    limit = left.pop("max_streams", "0")
    if not limit.isdecimal() or len(limit) > 4:
        raise OptionInvalid(f"{name}: option 'max_streams': a whole number, not {limit!r}")
    return EngineSpec(model or plain, plain, kinds[0], left, int(limit))


def _parts(text: str) -> list[str]:
    known = {entry.name for entry in ENGINES}
    parts: list[str] = []
    for piece in filter(None, map(str.strip, text.split(","))):
        name = piece.partition(":")[0].rpartition("=")[2].rpartition("/")[2].strip()
        if name not in known and parts and "=" in parts[-1].partition(":")[2]:
            parts[-1] += f",{piece}"
        else:
            parts.append(piece)
    return parts


def _spec(text: str) -> EngineSpec:
    head, _, tail = text.partition(":")
    model, equals, name = head.partition("=")
    if not equals:
        model, name = "", head
    options: dict[str, str] = {}
    for pair in tail.split(";") if tail else ():
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise OptionInvalid(
                f"--engines: {name}: an option is written NAME=VALUE, options are separated by ';'"
            )
        options[key.strip()] = value.strip()
    return spec_of(name.strip(), options, model=model.strip())
