"""Where weights are looked for, and what is said when they are not there. Nothing is fetched."""

from pathlib import Path

import pytest

from speech.engines.hub_weights import Weights
from speech.errors import EngineUnavailable


def weights(model: str, *, gated: bool = False) -> Weights:
    return Weights(engine="trial", model=model, needed=("config.json", "w.bin"), gated=gated)


def test_a_folder_with_all_that_is_needed_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "config.json").touch()
    (tmp_path / "w.bin").touch()
    assert weights(str(tmp_path)).folder() == tmp_path


def test_a_folder_that_lacks_a_file_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "config.json").touch()
    with pytest.raises(EngineUnavailable, match=r"lacks w\.bin: .*option 'model'"):
        weights(str(tmp_path)).folder()


@pytest.mark.parametrize("model", ["/no/such/folder", "a b/c", "", "x", "../y/z/"])
def test_what_is_neither_a_folder_nor_a_name_on_the_hub_is_refused(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EngineUnavailable, match=r"trial: "):
        weights(model).folder()
