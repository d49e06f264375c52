"""The command line as its user meets it: what it says, and the status it ends with."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FLOW = "ivr_flows/flows/rider_assignment.yaml"


def callwright(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if "CALLWRIGHT_" not in name}
    return subprocess.run(
        [sys.executable, "-m", "bot.cli", *words],
        cwd=ROOT,
        env={**env, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_flow_with_a_problem_ends_the_check_with_status_1(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("name: bad\nnodes: {}\n", encoding="utf-8")
    done = callwright("flows", "check", str(bad))
    assert done.returncode == 1
    assert f'{bad}:1: "title" is missing' in done.stdout


def test_a_good_flow_ends_the_check_with_status_0() -> None:
    done = callwright("flows", "check", FLOW)
    assert (done.returncode, done.stdout) == (0, f"{FLOW}: the flow is good\n")


def test_a_wrong_option_is_explained_without_a_traceback() -> None:
    for words in (
        ("serve", "--port", "abc"),
        ("call", "--vendor", "nobody"),
        ("nonsense",),
        ("flows", "draw", FLOW, "--output", "/nowhere/at/all.svg"),
    ):
        done = callwright(*words)
        assert done.returncode == 2, words
        assert "Error" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_language_that_the_flow_lacks_is_refused_and_those_it_has_are_named() -> None:
    for command in ("draw", "try"):
        done = callwright("flows", command, FLOW, "--language", "fr")
        assert done.returncode == 2
        assert "does not speak fr" in done.stderr


def test_a_wrong_setting_stops_the_start_with_its_name_and_what_is_allowed() -> None:
    done = callwright("serve", CALLWRIGHT_PORT="99999", CALLWRIGHT_TWILIO__AUTH_TOKEN="s3cret")
    assert done.returncode == 1
    assert "CALLWRIGHT_PORT: '99999' is not allowed" in done.stderr
    assert "CALLWRIGHT_TWILIO: is not complete" in done.stderr
    assert "s3cret" not in done.stderr


def test_a_number_whose_flow_cannot_answer_stops_the_start(tmp_path: Path) -> None:
    for route, says in (
        ('{"flow": "rider_assignment"}', "rider_name: missing"),
        ('{"flow": "customer_support", "language": "fr"}', "does not speak fr"),
    ):
        done = callwright(
            *("serve", "--port", "0", "--data-dir", str(tmp_path)),
            CALLWRIGHT_NUMBERS=f'{{"+14155550100": {route}}}',
        )
        assert done.returncode == 1
        assert "CALLWRIGHT_NUMBERS: +14155550100" in done.stderr
        assert says in done.stderr
