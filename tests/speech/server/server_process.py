"""The speech server as a process of its own, without Pipecat."""

import os
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[3]
WITHOUT_PIPECAT = (
    "import sys; sys.modules['pipecat'] = None; from speech.server.command import main; main()"
)


@contextmanager
def process(
    *arguments: str, token: str | None = None
) -> Generator[tuple[subprocess.Popen[str], str]]:
    """The command, and its URL once it listens."""
    environment = {**os.environ, **({"SPEECH_SERVER_TOKEN": token} if token else {})}
    running = subprocess.Popen(
        [sys.executable, "-c", WITHOUT_PIPECAT, "--port", "0", *arguments],
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment,
    )
    lines: queue.Queue[str] = queue.Queue()

    def read() -> None:
        assert running.stderr is not None
        for line in running.stderr:
            lines.put(line)
        lines.put("")

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        said = ""
        while not (found := re.search(r"listens on (http://\S+)", said)):
            line = lines.get(timeout=60)
            assert line, f"it ended: {said}"
            said += line
        yield running, found[1]
    finally:
        running.kill()
        running.wait(20)
        reader.join(20)
        assert running.stderr is not None
        running.stderr.close()
