"""What can be set for XTTS."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from speech.engines.xtts_admission import MOST
from speech.engines.xtts_model import Precision
from speech.options import EngineOptions


class XttsOptions(EngineOptions):
    """See `docs/engines.md`."""

    model: str = Field(
        "download",
        description="The folder of an XTTS v2 model, or download.",
        min_length=1,
    )
    accept_licence: bool = Field(
        False, description="To download: the weights' licence (CPML, non-commercial) is accepted."
    )
    device: str = Field(
        "auto",
        description="auto, cpu, cuda or cuda:1.",
        pattern=r"^(auto|cpu|cuda(:\d{1,2})?)$",
    )
    precision: Precision = Field(
        "auto", description="Of the language model; auto: float16 on a GPU, else float32."
    )
    max_streams: Literal["auto"] | Annotated[int, Field(ge=1, le=MOST)] = Field(
        "auto", description="Texts spoken at once; auto measures at the start what keeps up."
    )
    stream_chunk_tokens: int = Field(
        20, description="Tokens (46 ms each) that are decoded for a chunk.", ge=4, le=200
    )
    first_chunk_tokens: int = Field(
        10, description="The same, of a text's first chunk: fewer is sooner heard.", ge=4, le=200
    )
    speakers_folder: Path | None = Field(
        None, description="A folder of learned voices, NAME.safetensors; each becomes a voice."
    )
    default_voice: str = Field("", description="The voice where none is asked for.")
    cpu_threads: int = Field(
        0, description="Threads of one operation on a processor; 0: torch's choice.", ge=0, le=256
    )
