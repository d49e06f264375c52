"""Which process leads a call, and whether it still lives.

On one machine a process id tells at once (and its start time tells a reused one apart); elsewhere
only the heartbeat does.
"""

import os
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path

import psutil

# A worker beats so often; one that hasn't for so long is dead. Fifteen seconds outlast a stalled
# disk or a paused container; shorter ones close the calls of a living worker, longer ones leave
# the calls of a dead one open.
HEARTBEAT_S = 5.0
DEAD_AFTER_S = 15.0


@dataclass(frozen=True, slots=True)
class Worker:
    """One process that leads calls."""

    id: str
    host: str  # names a space in which process ids are unique
    pid: int
    process_started: float  # Unix time in seconds, as the system reports it


def this_worker() -> Worker:
    """A new identity for this process."""
    process = psutil.Process()
    return Worker(secrets.token_hex(8), _host(), process.pid, process.create_time())


def is_dead(worker: Worker, seen_from: Worker, silent_s: float) -> bool:
    """Whether `worker`, whose last heartbeat was `silent_s` ago, is gone for good."""
    if worker.id == seen_from.id:
        return False
    if worker.host != seen_from.host:
        return silent_s > DEAD_AFTER_S
    try:
        started = psutil.Process(worker.pid).create_time()
        is_zombie = psutil.Process(worker.pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
    # The system computes the start from its clock, which may be set: allow for a second.
    return is_zombie or abs(started - worker.process_started) > 1.0


def _host() -> str:
    """This boot and process namespace: two containers of one host name are two hosts."""
    parts = [socket.gethostname()]
    for read in (_boot_id, _pid_namespace):
        try:
            parts.append(read())
        except OSError:  # not Linux
            continue
    return "/".join(parts)


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def _pid_namespace() -> str:
    return os.readlink("/proc/self/ns/pid")
