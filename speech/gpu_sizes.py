"""What engines need of a device's memory, by model and precision. A table; nothing is loaded.

Weights were counted on each engine's own architecture, built by its own package, or weighed as the
file that it loads: `benchmarks/engine_sizes.py` prints them. Caches are counted at their longest.
What the layers hold while they run was reckoned from their shapes, and so is the process's own
share. **None of it was measured on a GPU.** Too low a figure lets a load fail for want of memory,
too high a one refuses what would have fitted.
"""

from dataclasses import dataclass
from typing import Literal

MIB = 1 << 20
GIB = 1 << 30

Source = Literal["counted", "weighed", "documented"]
"""Of the weights: counted on the architecture, the file weighed, or its project's own figure."""

PROCESS_BYTES = 600 * MIB
"""A process's CUDA context, kernels and workspaces of cuBLAS and cuDNN: 300 to 600 MiB are
reported. A speech server is one process for each environment, so each engine is counted with it."""

MARGIN = 1.08
"""On weights and work in a plan: allocators keep blocks that are not quite used."""

USABLE = 0.97
"""Of a card's memory; the driver keeps the rest."""


@dataclass(frozen=True, slots=True)
class EngineSize:
    """One model of an engine in one precision."""

    engine: str
    model: str
    precision: str
    weights_bytes: int
    stream_bytes: int  # of each stream at once: its cache at its longest, and its layers' results
    source: Source
    shared_bytes: int = 0  # work that all streams share
    takes_turns: bool = False  # one stream works at a time, the others wait

    def need_bytes(self, streams: int) -> int:
        """Weights and work for so many streams at once, without the process's own share."""
        working = 1 if self.takes_turns else streams
        return self.weights_bytes + self.shared_bytes + working * self.stream_bytes


SIZES: tuple[EngineSize, ...] = (
    # Of a stream: cross-attention and five beams, the encoder's scores (heads * 1500 * 1500) and
    # its widest layer. CTranslate2 computes the scores whole.
    EngineSize("whisper", "base", "int8", 100_880_173, 85 * MIB, "weighed"),
    EngineSize("whisper", "base", "float16", 198_248_015, 85 * MIB, "weighed"),
    EngineSize("whisper", "small", "int8", 284_185_679, 195 * MIB, "weighed"),
    EngineSize("whisper", "small", "float16", 562_747_899, 195 * MIB, "weighed"),
    EngineSize("whisper", "large-v3-turbo", "int8", 879_520_525, 178 * MIB, "weighed"),
    EngineSize("whisper", "large-v3-turbo", "float16", 1_749_534_447, 178 * MIB, "weighed"),
    # Reckoned as those files are laid out, which gives the weighed ones to the byte.
    EngineSize("whisper", "tiny", "int8", 59_058_409, 54 * MIB, "counted"),
    EngineSize("whisper", "tiny", "float16", 115_385_899, 54 * MIB, "counted"),
    EngineSize("whisper", "medium", "int8", 821_036_011, 434 * MIB, "counted"),
    EngineSize("whisper", "medium", "float16", 1_632_692_307, 434 * MIB, "counted"),
    EngineSize("whisper", "large-v2", "int8", 1_615_258_195, 689 * MIB, "counted"),
    EngineSize("whisper", "large-v2", "float16", 3_217_215_459, 689 * MIB, "counted"),
    EngineSize("whisper", "large-v3", "int8", 1_615_442_515, 689 * MIB, "counted"),
    EngineSize("whisper", "large-v3", "float16", 3_217_584_099, 689 * MIB, "counted"),
    EngineSize("whisper", "distil-small", "int8", 208_353_089, 107 * MIB, "counted"),
    EngineSize("whisper", "distil-small", "float16", 411_740_683, 107 * MIB, "counted"),
    EngineSize("whisper", "distil-medium", "int8", 450_722_591, 113 * MIB, "counted"),
    EngineSize("whisper", "distil-medium", "float16", 894_460_885, 113 * MIB, "counted"),
    EngineSize("whisper", "distil-large-v2", "int8", 826_770_391, 141 * MIB, "counted"),
    EngineSize("whisper", "distil-large-v2", "float16", 1_644_305_149, 141 * MIB, "counted"),
    EngineSize("whisper", "distil-large-v3", "int8", 826_954_711, 141 * MIB, "counted"),
    EngineSize("whisper", "distil-large-v3", "float16", 1_644_673_789, 141 * MIB, "counted"),
    # 600 million weights in 32 bits, as AI4Bharat names and stores them.
    EngineSize("indic_conformer", "released", "float32", 2_400_000_000, 200 * MIB, "documented"),
    # The language model in 16 bits, the vocoder and what learns voices in 32; a cache of 1039
    # tokens in 30 layers, and the vocoder's layers for 1.4 s.
    EngineSize("xtts", "released", "float16", 1_164_181_120, 192 * MIB, "counted"),
    EngineSize("xtts", "released", "float32", 2_008_089_392, 320 * MIB, "counted"),
    EngineSize("kokoro", "released", "float32", 327_244_184, 250 * MIB, "counted"),
    # Each chunk decodes the audio so far anew: of 30 s a layer of DAC's has 254 MB, three at once.
    EngineSize("indic_parler", "released", "bfloat16", 1_875_602_386, 1030 * MIB, "counted"),
    EngineSize("indic_parler", "released", "float32", 3_751_204_772, 2060 * MIB, "counted"),
    EngineSize(
        "chatterbox", "multilingual", "float32", 3_205_824_332, GIB, "counted", takes_turns=True
    ),
    EngineSize(
        "chatterbox", "turbo", "float32", 2_985_706_712, 570 * MIB, "counted", takes_turns=True
    ),
    # Language models by vLLM: files as their makers give them; a stream is a conversation of 4096
    # tokens (28 layers * 4 heads, or 32 * 8, of 128 in 16 bits, twice); shared: its CUDA graphs.
    EngineSize("vllm", "qwen2.5-7b", "awq", 5_570_000_000, 4096 * 57_344, "documented", GIB),
    EngineSize("vllm", "llama-3.1-8b", "awq", 5_730_000_000, 4096 * 131_072, "documented", GIB),
)


def size_of(engine: str, model: str, precision: str) -> EngineSize | None:
    """The row of the table; None where there is none."""
    wanted = (engine, model, precision)
    return next((s for s in SIZES if (s.engine, s.model, s.precision) == wanted), None)
