"""The linear algebra of numpy is kept on one thread, if it is asked in time."""

import os
import subprocess
import sys
from pathlib import Path

CLEAN = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}


def in_a_fresh_process(code: str, **variables: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**CLEAN, **variables},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=Path(__file__).parents[2],
    )
    return done.stdout.strip()


def test_asked_before_numpy_it_is_in_time_and_after_it_is_not() -> None:
    # The file is run by itself, for the packages around it may import numpy.
    load = "import runpy; pin = runpy.run_path('speech/threads.py')['pin_threads']; "
    show = "print(pin(), os.environ['OPENBLAS_NUM_THREADS'], os.environ['MKL_NUM_THREADS'])"
    assert in_a_fresh_process(f"import os; {load}{show}") == "True 1 1"
    assert in_a_fresh_process(f"import os, numpy; {load}{show}") == "False 1 1"


def test_a_number_that_was_set_before_stays() -> None:
    code = (
        "import os, runpy; runpy.run_path('speech/threads.py')['pin_threads'](); "
        "print(os.environ['OMP_NUM_THREADS'])"
    )
    assert in_a_fresh_process(code, OMP_NUM_THREADS="4") == "4"
