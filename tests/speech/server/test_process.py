"""The command as a process: it starts without Pipecat, and ends what it has begun."""

import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.speech.server.own_speech_server import TOKEN, WITH_TOKEN
from tests.speech.server.server_process import process

ROOT = Path(__file__).parents[3]
LONG_TEXT = "The parcel is ready, and the driver is on the way. " * 60


def test_it_runs_where_pipecat_is_not_and_stops_at_a_signal() -> None:
    with process("--engines", "moonshine,espeak", token=TOKEN) as (running, url):
        assert httpx.get(f"{url}/v1/models").status_code == 401
        models = httpx.get(f"{url}/v1/models", headers=WITH_TOKEN).json()["data"]
        assert [model["id"] for model in models] == ["moonshine", "espeak"]
        running.send_signal(signal.SIGTERM)
        assert running.wait(20) in (0, -signal.SIGTERM)


def test_a_signal_lets_speech_that_runs_come_to_its_end() -> None:
    with process("--engines", "espeak", "--max-streams", "3") as (running, url):
        body = {"input": LONG_TEXT, "response_format": "pcm", "sample_rate_hz": 48_000}
        with httpx.stream("POST", f"{url}/v1/audio/speech", json=body, timeout=60) as answer:
            pieces = answer.iter_bytes()
            first = next(pieces)
            running.send_signal(signal.SIGTERM)
            heard = len(first) + sum(map(len, pieces))
        assert heard > 120 * 48_000 * 2
        assert running.wait(20) in (0, -signal.SIGTERM)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--engines", "siri"], "there is no engine 'siri'"),
        (["--engines", "espeak", "--host", "0.0.0.0"], "there is no token"),
        (["--engines", "espeak", "--token-file", "/no/such/file"], "can't be read"),
        (["--engines", "espeak:volume=11"], "has no option 'volume'"),
        (["--engines", "espeak", "--port", "99999"], "--port"),
        (["--engines", "espeak", "--port", "0", "--redis-url", "http://host"], "redis://"),
        ([], "--engines"),
    ],
)
def test_what_is_wrong_with_the_command_is_said_in_a_line(arguments: list[str], said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "speech.server", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_short_token_is_refused(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("1234\n")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "speech.server", "--engines", "espeak"),
            *("--token-file", str(tmp_path / "token")),
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        check=False,
    )
    assert "at least 16 characters" in done.stderr
