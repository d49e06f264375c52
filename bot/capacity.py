"""How many calls a machine takes, where the settings don't say."""

CALLS_PER_CORE = 12
"""Calls at once for each processor core. Measured by benchmarks/many_calls.py, whose callers speak
every three seconds: 24 on two cores were answered with a P90 of 0.39 s and without holes in the
bot's voice, 32 were not. More, and every call suffers; fewer, and callers hear a busy tone for
nothing. On slower cores, or cores that others use too, the loop's lag turns callers away earlier.
"""

CORES_PER_WORKER = 2
"""What one process can use: a core for its event loop, another for its models, which run beside it.
The rest of a larger machine needs more workers."""

MODEL_THREADS = 2
"""The least threads for models in a process: with one, words that a caller waits for would stand
behind work that may wait."""


def default_max_calls(cores: int, workers: int) -> int:
    """The calls at once of `workers` processes on a machine of `cores`."""
    return CALLS_PER_CORE * min(cores, CORES_PER_WORKER * workers)


def model_threads(cores: int, workers: int) -> int:
    """The threads for models of each of `workers` processes."""
    return cores if workers == 1 else max(MODEL_THREADS, cores // workers)
