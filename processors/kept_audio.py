"""The last windows of audio that belong to no turn yet: one may turn out to have begun in them."""

from processors.turn_thresholds import WINDOW_MS
from speech.stt import Pcm


class KeptAudio:
    """Windows on the policy's clock."""

    def __init__(self) -> None:
        self._windows: list[Pcm] = []
        self.from_ms = 0  # of the first sample

    def add(self, window: Pcm) -> None:
        """The next window."""
        self._windows.append(window)

    def keep_last(self, duration_ms: int, now_ms: int) -> None:
        """Forget what is older than so long before `now_ms`, the end of the last window."""
        surplus = len(self._windows) - (duration_ms + WINDOW_MS - 1) // WINDOW_MS
        del self._windows[: max(0, surplus)]
        self.from_ms = now_ms - len(self._windows) * WINDOW_MS

    def all(self) -> list[Pcm]:
        """What would be forgotten or taken next."""
        return list(self._windows)

    def take(self, through_ms: int) -> list[Pcm]:
        """The windows that end by `through_ms`: they belong to a turn now."""
        count = max(0, (through_ms - self.from_ms) // WINDOW_MS)
        taken = self._windows[:count]
        del self._windows[:count]
        self.from_ms += len(taken) * WINDOW_MS
        return taken

    def clear(self, from_ms: int) -> None:
        """Forget everything; the next window begins at `from_ms`."""
        self._windows.clear()
        self.from_ms = from_ms
