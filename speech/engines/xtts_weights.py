"""Where XTTS v2's weights are: in a folder, or fetched where their licence is accepted."""

import importlib
from pathlib import Path
from typing import Any

from loguru import logger

from speech.engines.xtts_model import FILES
from speech.errors import EngineUnavailable

DOWNLOAD = "download"
NAME = "tts_models/multilingual/multi-dataset/xtts_v2"

LICENCE = (
    "XTTS v2's weights are under the Coqui Public Model License 1.0 (https://tts-hub.github.io/cpml)"
    ": for non-commercial use only, the audio that they make included"
)


def find(model: str, *, accepts_licence: bool) -> Path:
    """The folder of the weights; blocks while they are fetched (1.9 GB).

    Raises:
        EngineUnavailable: they are not there, their licence was not accepted, or the network
            failed; says what to do.
    """
    if model != DOWNLOAD:
        folder = Path(model).expanduser()
        if not folder.is_dir():
            raise EngineUnavailable(
                f"there is no folder {folder}: set model to the folder of an XTTS v2 model "
                f"({', '.join(FILES)}), or to download"
            )
        return folder
    if not accepts_licence:
        raise EngineUnavailable(
            f"{LICENCE}. To fetch them on these terms set accept_licence to true; or set model to "
            "a folder that you have"
        )
    logger.warning("{}", LICENCE)
    return _fetched()


def _fetched() -> Path:
    try:
        manage: Any = importlib.import_module("TTS.utils.manage")
        manager = manage.ModelManager(progress_bar=False)
        folder = Path(manager.output_prefix) / NAME.replace("/", "--")
        folder.mkdir(parents=True, exist_ok=True)
        # The answer that coqui-tts would ask for at the terminal, where it keeps it.
        (folder / "tos_agreed.txt").write_text("accept_licence=true\n", encoding="utf-8")
        if all((folder / name).is_file() for name in FILES):
            return folder
        return Path(manager.create_dir_and_download_model(NAME, _item(manager), folder))
    except (OSError, RuntimeError, ValueError, LookupError, ImportError) as error:
        raise EngineUnavailable(
            f"XTTS v2's weights could not be fetched ({error!r:.200}): try again with a network, "
            "or set model to a folder that holds them"
        ) from error


def _item(manager: Any) -> Any:
    """What coqui-tts's list says of the model."""
    kind, language, data, name = NAME.split("/")
    return manager.models_dict[kind][language][data][name]
