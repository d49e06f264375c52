"""Measurements of the whole: each module prints one table. `python -m benchmarks` runs them."""

from speech.threads import pin_threads

pin_threads()  # one thread for linear algebra, of the peers too, before anything imports numpy
