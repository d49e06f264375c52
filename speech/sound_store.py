"""Sounds in a folder, one file a key, bounded in bytes.

A file is a header (magic, number of samples, CRC-32 of them) and int16 little-endian mono. It is
written beside its place and renamed, so that a reader sees it whole or not at all; what is
damaged all the same is a miss, and is deleted.
"""

import os
import struct
import tempfile
import threading
import zlib
from pathlib import Path

import numpy as np

from speech.stt import Pcm

_HEADER = struct.Struct("<4sII")
_MAGIC = b"CWS1"


class SoundStore:
    """Blocking; run it in a thread. Several threads and processes may share a folder."""

    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        """Use `folder`, made when something is written, for at most `max_bytes` of files."""
        self._folder = folder
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._bytes: int | None = None  # what the folder holds, once it was looked at

    def read(self, key: str) -> Pcm | None:
        """The sound of `key`, or None if it isn't there or is damaged. Marks it as used."""
        path = self._path(key)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        sound = _unpack(content)
        try:
            if sound is None:
                path.unlink(missing_ok=True)
            else:
                os.utime(path)
        except OSError:
            pass  # a folder that can only be read still serves
        return sound

    def write(self, key: str, sound: Pcm) -> None:
        """Keep `sound` under `key`, and delete what was unused for longest if it gets too much.

        Raises:
            OSError: the disk is full, or the folder can't be written.
        """
        body = np.ascontiguousarray(sound, "<i2").tobytes()
        content = _HEADER.pack(_MAGIC, len(sound), zlib.crc32(body)) + body
        if len(content) > self._max_bytes:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".writing-", dir=self._folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.replace(name, self._path(key))
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
        with self._lock:
            if self._bytes is not None:
                self._bytes += len(content)
            if self._bytes is None or self._bytes > self._max_bytes:
                self._bytes = self._tidy()

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.pcm"

    def _tidy(self) -> int:
        """Delete the files longest unused until a tenth is free; return what remains."""
        files: list[tuple[float, int, Path]] = []
        total = 0
        for path in self._folder.glob("*.pcm"):
            try:
                status = path.stat()
            except OSError:
                continue  # another process tidies too
            files.append((status.st_mtime, status.st_size, path))
            total += status.st_size
        if total <= self._max_bytes:
            return total
        for _, size, path in sorted(files):
            if total <= self._max_bytes * 9 // 10:
                break
            path.unlink(missing_ok=True)
            total -= size
        return total


def _unpack(content: bytes) -> Pcm | None:
    if len(content) < _HEADER.size:
        return None
    magic, samples, checksum = _HEADER.unpack_from(content)
    body = content[_HEADER.size :]
    if magic != _MAGIC or len(body) != 2 * samples or zlib.crc32(body) != checksum:
        return None
    return np.frombuffer(body, "<i2").astype(np.int16)
