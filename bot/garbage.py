"""When the garbage of ended calls is collected, and how long that holds everybody up.

A pipeline is a web of cycles, which only a collection of all objects takes apart. That stops every
thread for as long as it lasts, and it lasts longer the more calls are live: 9 ms with none, 65 ms
with twenty (two busy cores), which is more than a telephone's jitter buffer hides. So it is done
when nobody listens, or when enough calls have ended. What lived before the first call is frozen
and never looked at.
"""

import gc
import time

CALLS_A_COLLECTION = 100
"""Ended calls between two collections while others are live. A call leaves 0.25 MB (the models'
sessions are shared), so that 25 MB wait. Fewer, and the stalls come more often; Python's own rule
collects, too, when objects have grown by a quarter."""


class CollectionRule:
    """Whether to collect now."""

    def __init__(self) -> None:
        self._ended = 0

    def is_due(self, live_calls: int) -> bool:
        """A call has ended and `live_calls` still run: whether this is the moment."""
        self._ended += 1
        if live_calls and self._ended < CALLS_A_COLLECTION:
            return False
        self._ended = 0
        return True


class GarbagePauses:
    """Counts the collections and how long they held every thread up."""

    def __init__(self) -> None:
        self.pauses = [0, 0, 0]  # by generation
        self.paused_s = [0.0, 0.0, 0.0]
        self.longest_s = 0.0
        self._began_s = 0.0

    def watch(self) -> None:
        """Count from now on."""
        gc.callbacks.append(self._note)

    def close(self) -> None:
        """Count no more."""
        gc.callbacks.remove(self._note)

    def _note(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._began_s = time.perf_counter()
            return
        took_s, generation = time.perf_counter() - self._began_s, info["generation"]
        self.pauses[generation] += 1
        self.paused_s[generation] += took_s
        self.longest_s = max(self.longest_s, took_s)
