"""Sounds in a folder, one file a key, bounded in bytes.

What is kept for ever is `KEY.pcm`, its time of change the time when it was last used. What expires
is `KEY.until`, its time of change the time when it does, so that a look at the folder finds what
is over. A file is written beside its place and renamed: a reader sees it whole or not at all. What
is damaged all the same is a miss, and is deleted.
"""

import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from speech.packed_sound import KeptSound, pack, unpack

_FOR_EVER, _UNTIL = ".pcm", ".until"

_SWEEP_EVERY_S = 300.0
"""How long what is over may lie on the disk while others are written; a sweep looks at each file's
times, 2 ms for a thousand."""


class SoundStore:
    """Blocking; run it in a thread. Several threads and processes may share a folder."""

    def __init__(
        self, folder: Path, *, max_bytes: int, clock: Callable[[], float] = time.time
    ) -> None:
        """Use `folder`, made when something is written, for at most `max_bytes` of files.

        `clock` tells the Unix time in s.
        """
        self._folder = folder
        self._max_bytes = max_bytes
        self._clock = clock
        self._lock = threading.Lock()
        self._bytes: int | None = None  # what the folder holds, once it was looked at
        self._swept_at_s = 0.0

    def read(self, key: str) -> KeptSound | None:
        """The sound of `key`; None if it isn't there, is over, or is damaged. Marks it as used."""
        for kind in (_FOR_EVER, _UNTIL):
            path = self._folder / f"{key}{kind}"
            try:
                content = path.read_bytes()
            except OSError:
                continue
            sound = unpack(content)
            try:
                if sound is None or sound.is_over(self._clock()):
                    path.unlink(missing_ok=True)
                    continue
                if sound.expires_at_s is None:
                    os.utime(path)
            except OSError:  # a folder that can only be read still serves
                if sound is None or sound.is_over(self._clock()):
                    continue
            return sound
        return None

    def write(self, key: str, sound: KeptSound) -> None:
        """Keep `sound` under `key`, and delete what is over, or unused for longest, for the room.

        Raises:
            OSError: the disk is full, or the folder can't be written.
        """
        content = pack(sound)
        if len(content) > self._max_bytes:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        kind, other = _FOR_EVER, _UNTIL
        if sound.expires_at_s is not None:
            kind, other = other, kind
        handle, name = tempfile.mkstemp(prefix=".writing-", dir=self._folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            if sound.expires_at_s is not None:
                os.utime(name, (sound.expires_at_s, sound.expires_at_s))
            os.replace(name, self._folder / f"{key}{kind}")
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
        (self._folder / f"{key}{other}").unlink(missing_ok=True)
        with self._lock:
            if self._bytes is not None:
                self._bytes += len(content)
            too_much = self._bytes is None or self._bytes > self._max_bytes
            if too_much or self._clock() > self._swept_at_s + _SWEEP_EVERY_S:
                self._bytes = self._tidy()

    def forget(self, prefix: str) -> None:
        """Delete every sound whose key begins with `prefix`.

        Raises:
            OSError: one can't be deleted.
        """
        for path, _ in self._files():
            if path.name.startswith(prefix):
                path.unlink(missing_ok=True)
        with self._lock:
            self._bytes = None

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        for path in self._folder.glob("*"):
            if path.suffix in (_FOR_EVER, _UNTIL):
                try:
                    yield path, path.stat()
                except OSError:
                    continue  # another process tidies too

    def _tidy(self) -> int:
        """Delete what is over and, if that is not enough, what expires soonest and what is longest
        unused, until a tenth is free; return how many bytes remain."""
        self._swept_at_s = self._clock()
        files: list[tuple[bool, float, int, Path]] = []
        total = 0
        for path, status in self._files():
            if path.suffix == _UNTIL and status.st_mtime <= self._swept_at_s:
                path.unlink(missing_ok=True)
                continue
            files.append((path.suffix == _FOR_EVER, status.st_mtime, status.st_size, path))
            total += status.st_size
        if total <= self._max_bytes:
            return total
        for _, _, size, path in sorted(files):
            if total <= self._max_bytes * 9 // 10:
                break
            path.unlink(missing_ok=True)
            total -= size
        return total
