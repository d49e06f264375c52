"""The speech server's log."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
BREAKS = """
import sys
sys.path.insert(0, ".")
from loguru import logger
from speech.errors import OptionInvalid
from speech.server.cli import speech

def hear(words):
    return int(words)

try:
    speech(engines=["siri"])
except OptionInvalid:
    pass
try:
    hear("my number is" + " 98220")
except ValueError as error:
    logger.opt(exception=KeyError("decoder").with_traceback(error.__traceback__)).error("broke")
"""


def test_a_traceback_in_the_log_says_where_and_nothing_of_what_was_said(tmp_path: Path) -> None:
    script = tmp_path / "breaks.py"  # loguru reads the values' places in a file's lines
    script.write_text(BREAKS)
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        check=True,
    )
    assert "return int(words)" in done.stderr
    assert "KeyError: 'decoder'" in done.stderr
    assert "my number is 98220" not in done.stderr
