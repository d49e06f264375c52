"""Where a model's files are: a folder of the user's, or fetched once from the Hugging Face hub.

What is fetched stays in the hub's own cache (`hf download OWNER/NAME` fills it beforehand). With
`HF_HUB_OFFLINE=1` nothing is fetched, and what is missing is named.
"""

import importlib
import pickle
import re
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loguru import logger

from speech.engines.torch_worker import BROKEN
from speech.errors import EngineUnavailable

_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_ANSWER_WITHIN_S = 10.0  # of the hub, to a question about a file; the files take what they take


@dataclass(frozen=True, slots=True)
class Weights:
    """The files that an engine loads."""

    engine: str  # its name, for the errors
    model: str  # a folder, or OWNER/NAME on the hub
    needed: tuple[str, ...]  # names inside, each must be there
    wanted: tuple[str, ...] = ()  # patterns of what is fetched besides
    licence: str = ""  # what its user should know, said when it is fetched
    gated: bool = False  # the hub wants the terms to be accepted first
    token: str = field(default="", repr=False)  # of the hub; "": that of `hf auth login`

    def folder(self) -> Path:
        """The folder with all that is needed; fetches it where it is on the hub. Blocks.

        Raises:
            EngineUnavailable: it is not there and can't be fetched; says how to get it.
        """
        given = Path(self.model).expanduser()
        if given.is_dir():
            return self._whole(given)
        if not _HUB_NAME.fullmatch(self.model):
            raise EngineUnavailable(
                f"{self.engine}: option 'model': there is no folder {self.model}: give one that "
                f"holds {', '.join(self.needed)}, or OWNER/NAME of a model on the hub"
            )
        return self._whole(self._kept() or self._fetched())

    def _whole(self, folder: Path) -> Path:
        if missing := self._missing_from(folder):
            raise EngineUnavailable(
                f"{self.engine}: {folder} lacks {', '.join(missing)}: {self._how()}"
            )
        return folder

    def _missing_from(self, folder: Path) -> list[str]:
        return [name for name in self.needed if not (folder / name).is_file()]

    def _kept(self) -> Path | None:
        """What was fetched before, if all that is needed is there."""
        try:
            kept = Path(_hub().snapshot_download(self.model, local_files_only=True))
        except OSError:
            return None
        return None if self._missing_from(kept) else kept

    def _fetched(self) -> Path:
        logger.info("{}: fetching {} ({})", self.engine, self.model, self.licence or "as released")
        patterns = [*self.needed, *self.wanted]
        try:
            return Path(
                _hub().snapshot_download(
                    self.model,
                    allow_patterns=patterns,
                    etag_timeout=_ANSWER_WITHIN_S,
                    token=self.token or None,
                )
            )
        except (OSError, ValueError, RuntimeError) as error:
            raise EngineUnavailable(
                f"{self.engine}: {self.model} is not on this machine and can't be fetched "
                f"({type(error).__name__}): {self._how()}"
            ) from error

    def _how(self) -> str:
        name = self.model if _HUB_NAME.fullmatch(self.model) else "OWNER/NAME"
        terms = (
            f"accept the terms at https://huggingface.co/{name}, run `hf auth login`, then "
            if self.gated
            else ""
        )
        return (
            f"with the network on (HF_HUB_OFFLINE unset) {terms}run `hf download {name}`, or copy "
            "the files from a machine that has them and name their folder in the option 'model'"
        )


def unreadable() -> tuple[type[Exception], ...]:
    """What a model's files raise when they are broken, or are of another model."""
    found: list[type[Exception]] = [*BROKEN, EOFError, pickle.UnpicklingError]
    with suppress(ImportError):
        found.append(importlib.import_module("safetensors").SafetensorError)
    return tuple(found)


def _hub() -> Any:
    try:
        return importlib.import_module("huggingface_hub")
    except ImportError as error:
        raise EngineUnavailable(f"huggingface_hub does not load ({error})") from error
