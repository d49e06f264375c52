"""docs/licences.md names every package of the core with the licence that the package states."""

import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CORE = tuple(re.split(r"[\[<>=!~; ]", need)[0] for need in PROJECT["dependencies"])
FAMILIES = ("AGPL", "LGPL", "GPL", "MPL", "Apache", "BSD", "MIT")


def stated(package: str) -> str:
    """What the installed package says of its licence, in one text."""
    meta = importlib.metadata.metadata(package)
    classifiers = [c for c in meta.get_all("Classifier") or () if c.startswith("License")]
    return " ".join([meta.get("License-Expression") or "", meta.get("License") or "", *classifiers])


def families(text: str) -> set[str]:
    words = {family for family in FAMILIES if re.search(rf"\b{family}", text)}
    return words | ({"LGPL"} if "Lesser General Public" in text else set())


def row(package: str) -> str:
    found = re.search(rf"^\| {re.escape(package)} \| (.+) \|$", PAGE, re.MULTILINE)
    assert found, f"docs/licences.md has no row for {package}"
    return found.group(1)


@pytest.mark.parametrize("package", CORE)
def test_the_page_names_the_licence_that_the_package_states(package: str) -> None:
    told = row(package)
    said = families(stated(package))
    if said:
        assert families(told) & said, f"{package} states {stated(package)!r}, the page {told!r}"
    else:
        assert "names none" in told


def test_nothing_in_the_core_is_under_the_gpl_but_what_the_page_names() -> None:
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    locked = {line.split("==")[0].split("[")[0].strip() for line in lines if "==" in line}
    installed = {dist.name.lower() for dist in importlib.metadata.distributions()}
    strict = {
        package
        for package in locked & installed
        if families(stated(package)) and families(stated(package)) <= {"GPL", "AGPL"}
    }
    assert locked & installed
    assert not strict, f"name them in docs/licences.md, or do without: {strict}"


@pytest.mark.parametrize(
    "word", ["Moonshine", "espeak-ng", "flite", "Silero", "Smart Turn", "XTTS"]
)
def test_every_engine_and_weight_is_on_the_page(word: str) -> None:
    assert re.search(rf"^\| {word}", PAGE, re.MULTILINE)
