"""`callwright gpu plan` as it is typed."""

import pytest
from typer.testing import CliRunner

from bot.gpu_command import ProfileName, gpu
from speech.gpu_plan import PROFILES


@pytest.mark.parametrize("profile", PROFILES)
def test_it_prints_what_fits_and_how_it_is_started(profile: str) -> None:
    done = CliRunner().invoke(gpu, ["plan", "--profile", profile])
    assert done.exit_code == 0, done.output
    assert "fits: " in done.output
    for member in PROFILES[profile]:
        assert member.label in done.output
    assert "callwright speech --engines" in done.output
    assert "None of it was measured on a GPU" in done.output


def test_the_servers_of_a_plan_take_a_port_each() -> None:
    done = CliRunner().invoke(gpu, ["plan", "--profile", "12gb-max"])
    started = [line for line in done.output.splitlines() if "callwright speech" in line]
    ports = [line.rpartition(" --port ")[2] for line in started]
    assert ports == ["8090", "8091", "8092"]


def test_every_profile_can_be_named() -> None:
    assert {name.value for name in ProfileName} == set(PROFILES)


def test_what_does_not_fit_is_named_and_not_started() -> None:
    done = CliRunner().invoke(gpu, ["plan", "--profile", "12gb-max", "--card-gib", "8"])
    assert done.exit_code == 1
    assert "leave out indic_parler" in done.output
    assert "--engines 'indic_parler" not in done.output


def test_llama_stands_in_for_qwen() -> None:
    done = CliRunner().invoke(gpu, ["plan", "--profile", "12gb-local-llm", "--llm", "llama-3.1-8b"])
    assert done.exit_code == 0
    assert "Llama-3.1" in done.output
    assert "Qwen" not in done.output


@pytest.mark.parametrize("wrong", [["--profile", "24gb"], ["--streams", "0"], ["--card-gib", "0"]])
def test_wrong_words_are_refused(wrong: list[str]) -> None:
    given = ["plan", "--profile", "12gb-max", *wrong]
    done = CliRunner().invoke(gpu, given)
    assert done.exit_code == 2
