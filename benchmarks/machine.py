"""The machine that a table was made on, and what a process takes of it. Linux only."""

import contextlib
import os
import platform
from pathlib import Path


def describe() -> str:
    """Processor, cores, memory and Python, in one line."""
    model = _field("/proc/cpuinfo", "model name") or platform.processor() or platform.machine()
    memory_gb = int((_field("/proc/meminfo", "MemTotal") or "0 kB").split()[0]) / 1e6
    cores = len(os.sched_getaffinity(0))
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{model}, {cores} cores, {memory_gb:.0f} GB, {python}"


def load() -> str:
    """Runnable processes over the last 1 and 5 minutes."""
    one, five, _ = os.getloadavg()
    return f"{one:.1f} and {five:.1f}"


def rss_mb(pid: int) -> float:
    """Resident memory of a process with its children, in MB (10^6 bytes); shared pages count in
    each of them."""
    own = int((_field(f"/proc/{pid}/status", "VmRSS") or "0 kB").split()[0]) / 1e3
    return own + sum(rss_mb(child) for child in _children(pid))


def cpu_s(pid: int) -> float:
    """Processor seconds that a process and its living children have taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return own + sum(cpu_s(child) for child in _children(pid))


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the thread has ended
            found += map(int, (thread / "children").read_text().split())
    return found


def _field(path: str, name: str) -> str | None:
    with open(path, encoding="utf-8") as lines:
        found = (line for line in lines if line.startswith(name))
        return next(found, ":").partition(":")[2].strip() or None
