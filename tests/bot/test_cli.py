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


def made(*words: str) -> str:
    """What `make` would run, in an environment without a PORT, whatever make runs the tests."""
    left_out = ("PORT", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    env = {name: value for name, value in os.environ.items() if name not in left_out}
    command = ("make", "--dry-run", "serve", *words)
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True).stdout


def test_make_serve_leaves_the_port_to_the_settings_unless_it_is_given() -> None:
    assert made().splitlines()[-1].split() == [".venv/bin/callwright", "serve"]
    given = made("PORT=9000").splitlines()[-1].split()
    assert given == [".venv/bin/callwright", "serve", "--port", "9000"]


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


def test_what_stops_the_start_the_doctor_says_too(tmp_path: Path) -> None:
    wrong = {
        "CALLWRIGHT_NUMBERS": '{"+14155550100": {"flow": "rider_assignment"}}',
        "CALLWRIGHT_DATA_DIR": str(tmp_path),
    }
    done = callwright("doctor", **wrong)
    assert done.returncode == 1
    assert "CALLWRIGHT_NUMBERS: +14155550100: rider_assignment can't answer it" in done.stdout


def test_a_voice_that_its_engine_lacks_stops_the_start(tmp_path: Path) -> None:
    done = callwright(
        *("serve", "--port", "0", "--data-dir", str(tmp_path)),
        CALLWRIGHT_VOICES='{"hi": "foo", "ta": "any"}',
    )
    assert done.returncode == 1
    assert "CALLWRIGHT_VOICES__HI: there is no voice 'foo' for hi; there are " in done.stderr
    assert "professional" in done.stderr
    assert "espeak/hi+f2" in done.stderr
    assert "no engine speaks ta; set CALLWRIGHT_SPEAKING__TA" in done.stderr


def test_a_machine_that_answers_is_not_simulated_where_the_carrier_does_not_tell() -> None:
    for command in ("call", "simulate"):
        done = callwright(command, "--vendor", "voicemail", "--carrier", "exotel")
        assert done.returncode == 2, command
        assert "Exotel does not tell" in done.stderr


def test_a_call_that_is_not_recorded_says_why(tmp_path: Path) -> None:
    words = ("call", "--vendor", "busy", "--data-dir", str(tmp_path))
    done = callwright(*words, CALLWRIGHT_RECORD_CALLS="false")
    assert done.returncode == 0, done.stderr
    assert "Recording:  none: CALLWRIGHT_RECORD_CALLS is false" in done.stdout
