"""Keeps the linear algebra of numpy on one thread. Has to run before numpy is imported.

With the default of a thread for each core, four concurrent calls deadlocked for good in a matrix
product of Smart Turn's features (Pipecat 1.14, numpy's OpenBLAS); and with one model a thread,
more threads inside of each only make calls wait for each other.
"""

import os
import sys

VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def pin_threads() -> bool:
    """Set one thread for each library, also for our child processes; what is set already stays.

    Returns whether it was in time: False when numpy had been imported before.
    """
    for variable in VARIABLES:
        os.environ.setdefault(variable, "1")
    return "numpy" not in sys.modules
