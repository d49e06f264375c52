"""A FLAC file that can be read at any moment of its writing, also after the process was killed.

libFLAC writes the length into the header only at the end; until then readers take the file for
endless and fail where it stops. So the length that is on disk is kept in the header as it grows.
Everything here blocks: it belongs on a thread.
"""

import errno
import os
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import soundfile

# STREAMINFO follows "fLaC" and 4 bytes of block header. See RFC 9639, section 8.2.
_BLOCK_SIZE_AT = 8 + 2  # largest block, 16 bits
_TOTAL_AT = 8 + 14  # the lower 32 of the 36 bits of the number of samples


class FlacFile:
    """A FLAC file of 16 bits, written from beginning to end."""

    def __init__(self, path: Path, *, sample_rate_hz: int, channels: int) -> None:
        """Create the file, and its folder where it is missing.

        Raises:
            OSError: the file cannot be written there.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._written = 0
        with _as_os_errors(path):
            # Untyped library: what comes out of it is used through `write` and `close` alone.
            self._sound: Any = cast(Any, soundfile).SoundFile(
                str(path),
                "w",
                samplerate=sample_rate_hz,
                channels=channels,
                format="FLAC",
                subtype="PCM_16",
            )
        self._header = os.open(path, os.O_RDWR)

    def write(self, block: npt.NDArray[np.int16]) -> None:
        """Append int16 PCM, shape (n, channels).

        Raises:
            OSError: the disk is full or gone.
        """
        with _as_os_errors(self.path):
            self._sound.write(block)
        self._written += len(block)
        self._note_length()

    def close(self) -> None:
        """Write the rest and the true length.

        Raises:
            OSError: the disk is full or gone; what could be written can be read.
        """
        os.close(self._header)
        with _as_os_errors(self.path):
            self._sound.close()

    def _note_length(self) -> None:
        size = int.from_bytes(os.pread(self._header, 2, _BLOCK_SIZE_AT), "big")
        if size == 0:
            return
        # libFLAC writes a block when the first sample after it comes.
        on_disk = (self._written - 1) // size * size
        if 0 < on_disk < 2**32:
            os.pwrite(self._header, on_disk.to_bytes(4, "big"), _TOTAL_AT)


class _as_os_errors:
    """Turns soundfile's errors into OSError; it tells a full disk by a failed assertion."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, AssertionError):
            raise OSError(errno.ENOSPC, "not everything was written", str(self._path)) from error
        if isinstance(error, soundfile.SoundFileError):
            raise OSError(errno.EIO, str(error), str(self._path)) from error
