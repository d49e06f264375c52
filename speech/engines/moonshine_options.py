"""What can be set for Moonshine."""

from typing import Literal

from pydantic import Field

from speech.options import EngineOptions


class MoonshineOptions(EngineOptions):
    """The defaults need nothing but the wheel."""

    model: Literal["tiny-en", "base-en"] = Field(
        default="tiny-en",
        description="tiny-en (27 million weights) comes in the wheel; base-en (61 million) is "
        "fetched by the wheel's own downloader",
    )
    folder: str = Field(
        default="",
        description="of encoder_model.ort, decoder_model_merged.ort and tokenizer.bin; empty: "
        "where the wheel, or its downloader, puts them",
    )
