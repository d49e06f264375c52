"""Measurements of the whole: each module prints one table. `python -m benchmarks` runs them."""
