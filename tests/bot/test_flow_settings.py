"""The flows that the settings ask for: the server refuses what the doctor finds, and so alike."""

from pathlib import Path
from typing import Any

import pytest

from bot.doctor.flows import flows as doctors_look
from bot.doctor.machine import Check, State
from bot.doctor.report import verdict
from bot.errors import StartFailed
from bot.flow_settings import usable_flows
from bot.settings import load_settings
from ivr_flows.loader import SHIPPED

LUNCH = (Path(__file__).parents[1] / "ivr_flows" / "lunch.yaml").read_text(encoding="utf-8")
BROKEN = "name: bad\nnodes: {}\n"


def refusal(**given: Any) -> str:
    """Why the server does not start; the doctor must have found the same."""
    settings = load_settings(env_file=None, **given)
    with pytest.raises(StartFailed) as caught:
        usable_flows(settings)
    checks = doctors_look(settings)
    assert all(check.state is State.BROKEN for check in checks)
    assert str(caught.value) == "\n".join(f"{check.detail}; {check.fix}" for check in checks)
    return str(caught.value)


def test_the_shipped_flows_and_those_of_the_folder_can_be_used(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(LUNCH, encoding="utf-8")
    two = LUNCH.replace("name: lunch", "name: second", 1)
    (tmp_path / "two.yml").write_text(two, encoding="utf-8")
    (tmp_path / "notes.txt").write_text("not a flow", encoding="utf-8")
    settings = load_settings(env_file=None, flows_dir=tmp_path)
    shipped = {path.stem for path in SHIPPED.glob("*.yaml")}
    assert usable_flows(settings).keys() == shipped | {"lunch", "second"}
    (check,) = doctors_look(settings)
    assert check.state is State.OK


def test_a_folder_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    text = refusal(flows_dir=tmp_path / "nope")
    assert f"CALLWRIGHT_FLOWS_DIR: {tmp_path / 'nope'} can't be read as a folder" in text


def test_a_file_is_no_folder_of_flows(tmp_path: Path) -> None:
    (tmp_path / "file.yaml").write_text(LUNCH, encoding="utf-8")
    assert "CALLWRIGHT_FLOWS_DIR" in refusal(flows_dir=tmp_path / "file.yaml")


@pytest.mark.parametrize("name", ["bad.yaml", "bad.yml", "BAD.YML"])
def test_a_broken_file_is_refused_with_its_line(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(BROKEN, encoding="utf-8")
    assert f'{tmp_path / name}:1: "title" is missing' in refusal(flows_dir=tmp_path)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"suport": {}}, 'there is no flow "suport"; choose one of customer_support,'),
        ({"customer_support": {"platform": "x"}}, "customer_support.platform: unknown; the flow"),
        ({"customer_support": {"status_url": "shop"}}, "status_url: 'shop' is not a url, e.g."),
        ({"customer_support": {"platform_name": "x" * 61}}, "61 characters; keep it within 60"),
    ],
)
def test_values_that_do_not_fit_their_flow_are_refused(values: Any, told: str) -> None:
    text = refusal(flow_variables=values)
    assert text.startswith("CALLWRIGHT_FLOW_VARIABLES: ")
    assert told in text


def test_values_need_not_be_all_that_a_flow_requires() -> None:
    given = {"rider_assignment": {"rider_name": "Asha"}}
    assert usable_flows(load_settings(env_file=None, flow_variables=given))


@pytest.mark.parametrize(
    ("route", "told"),
    [
        ({"flow": "nobody"}, '+14155550100: there is no flow "nobody"; choose one of'),
        ({"flow": "customer_support", "language": "fr"}, "does not speak fr; choose en, hi, mr"),
        ({"flow": "rider_assignment"}, "rider_name: missing"),
    ],
)
def test_a_number_whose_flow_cannot_answer_is_refused(route: dict[str, str], told: str) -> None:
    text = refusal(numbers={"+14155550100": route})
    assert text.startswith("CALLWRIGHT_NUMBERS: +14155550100")
    assert told in text


def test_a_number_that_is_written_twice_is_refused() -> None:
    route = {"flow": "customer_support"}
    text = refusal(numbers={"+918047491899": route, "08047491899": route})
    assert "08047491899 is the same number as +918047491899; keep one" in text


def test_all_that_is_wrong_is_told_at_once() -> None:
    wrong = {"+14155550100": {"flow": "a"}, "+14155550101": {"flow": "b"}}
    assert len(refusal(default_flow="c", numbers=wrong).splitlines()) == 3


def test_faults_of_one_kind_are_one_word_of_the_doctors_verdict() -> None:
    bad = Check("flows", State.BROKEN, "x")
    assert verdict([bad, bad]) == "Callwright is not ready: flows"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            {"hearing": {"hi": "moonshine"}},
            "CALLWRIGHT_HEARING__HI: moonshine hears en only; choose whisper",
        ),
        (
            {"speaking": {"hi": "flite"}},
            "CALLWRIGHT_SPEAKING__HI: flite speaks en only; choose espeak",
        ),
        (
            {"default_language": "fr"},
            "CALLWRIGHT_DEFAULT_LANGUAGE: no engine speaks fr; choose en, hi, mr",
        ),
    ],
)
def test_an_engine_that_does_not_know_its_language_is_refused(given: Any, told: str) -> None:
    assert refusal(**given).startswith(told)
