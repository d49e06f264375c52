"""What a worker measures of itself, and all workers' measurements in Prometheus' words.

A worker leaves its numbers on the board every second, so whichever worker is asked tells of all,
also of one that hangs. Counters begin anew with a worker that was restarted, as Prometheus expects.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import psutil
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from bot.garbage import GarbagePauses
from bot.live_calls import LiveCalls
from bot.loop_lag import BUCKETS_MS, LagSummary, LoopLag
from bot.services import Services
from bot.workers.board import Board, WorkerState
from bot.workers.places import Occupied
from speech.pool import Priority


@dataclass(frozen=True, slots=True)
class Measurements:
    """One worker's numbers. Times in seconds unless their name says otherwise."""

    running_calls: int
    refused_calls: Mapping[str, int]  # by reason
    lag: Mapping[str, float]  # the fields of LagSummary
    lag_counts: tuple[int, ...]  # by bucket of loop_lag.BUCKETS_MS
    lag_sum_ms: float
    pool: Mapping[str, int]  # threads, queued, running, dropped, refused
    jobs: Mapping[str, tuple[int, float, float]]  # by priority: jobs, run_s, waited_s
    cache: Mapping[str, int]  # hits, misses, memory_bytes, entries
    engines: Mapping[str, tuple[int, bool]]  # by "hears name": failures, is_left_alone
    garbage: Mapping[str, tuple[int, float]]  # by generation: pauses, paused_s
    longest_pause_s: float
    process: Mapping[str, float] = field(default_factory=dict[str, float])

    def as_text(self) -> bytes:
        """For the board."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_text(cls, text: bytes) -> "Measurements":
        """What `as_text` wrote."""
        return cls(**json.loads(text))


def measure(
    services: Services, live: LiveCalls, lag: LoopLag, garbage: GarbagePauses
) -> Measurements:
    """This process as it is now."""
    pool = services.pool.stats
    caches = [cache.stats for cache in services.mouths.caches]
    return Measurements(
        running_calls=len(live),
        refused_calls={reason.value: count for reason, count in live.refused.items()},
        lag=asdict(lag.window.summary()),
        lag_counts=lag.counts.counts,
        lag_sum_ms=lag.counts.sum_ms,
        pool={
            "threads": pool.workers,
            "queued": pool.queued,
            "running": pool.running,
            "dropped": pool.dropped,
            "refused": pool.refused,
        },
        jobs={
            priority.name.lower(): (times.jobs, times.run_s, times.waited_s)
            for priority, times in pool.times.items()
        },
        cache={
            name: sum(getattr(stats, name) for stats in caches)
            for name in ("hits", "misses", "memory_bytes", "entries")
        },
        engines={
            f"{kind} {member.name}": (member.failures, member.is_left_alone)
            for kind, members in (
                ("hears", services.ears.members),
                ("speaks", services.mouths.members),
            )
            for member in members
        },
        garbage={
            str(generation): (garbage.pauses[generation], garbage.paused_s[generation])
            for generation in range(3)
        },
        longest_pause_s=garbage.longest_s,
        process=_process(),
    )


def _process() -> dict[str, float]:
    process = psutil.Process()
    with process.oneshot():
        times = process.cpu_times()
        return {
            "resident_memory_bytes": process.memory_info().rss,
            "cpu_seconds": times.user + times.system,
            "threads": process.num_threads(),
            "open_fds": process.num_fds(),
            "start_time_seconds": process.create_time(),
        }


def exposition(board: Board) -> bytes:
    """All workers' measurements, in Prometheus' text format."""
    told = {worker: board.published(worker) for worker in range(board.workers)}
    workers = {str(worker): Measurements.from_text(text) for worker, text in told.items() if text}
    states = {str(worker): board.state(worker) for worker in range(board.workers)}
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Told(workers, states, board.occupied(), board.max_calls))
    return generate_latest(registry)


class _Told(Collector):
    """The families of one answer."""

    def __init__(
        self,
        workers: Mapping[str, Measurements],
        states: Mapping[str, WorkerState],
        occupied: Occupied,
        max_calls: int,
    ) -> None:
        self._workers = workers
        self._states = states
        self._occupied = occupied
        self._max_calls = max_calls

    def collect(self) -> Iterator[Metric]:
        yield from self._calls()
        yield from self._lag()
        yield from self._models()
        yield from self._engines()
        yield from self._process()

    def _calls(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("callwright_max_calls", "Calls at once.", self._max_calls)
        yield GaugeMetricFamily(
            "callwright_reserved_calls",
            "Places kept for calls that are answered or dialled.",
            self._occupied.reserved,
        )
        running = GaugeMetricFamily(
            "callwright_running_calls", "Calls that run.", labels=["worker"]
        )
        takes = GaugeMetricFamily(
            "callwright_takes_calls", "1: it takes new calls.", labels=["worker"]
        )
        refused = CounterMetricFamily(
            "callwright_refused_calls",
            "Calls for which there was no room.",
            labels=["worker", "reason"],
        )
        for worker, state in self._states.items():
            takes.add_metric([worker], float(state is WorkerState.OPEN))
        for worker, told in self._workers.items():
            running.add_metric([worker], told.running_calls)
            for reason in ("full", "late", "stopping"):
                refused.add_metric([worker, reason], told.refused_calls.get(reason, 0))
        yield from (running, takes, refused)

    def _lag(self) -> Iterator[Metric]:
        name, what = "callwright_event_loop_lag", "How late the event loop woke"
        histogram = HistogramMetricFamily(f"{name}_seconds", f"{what}.", labels=["worker"])
        recent = GaugeMetricFamily(
            f"{name}_recent_seconds",
            f"{what} in the last seconds: the worst, and the P99.",
            labels=["worker", "window", "figure"],
        )
        for worker, told in self._workers.items():
            seen, buckets = 0, list[tuple[str, float]]()
            for bound_ms, count in zip(BUCKETS_MS, told.lag_counts, strict=False):
                seen += count
                buckets.append((str(bound_ms / 1000), seen))
            buckets.append(("+Inf", sum(told.lag_counts)))
            histogram.add_metric([worker], buckets, told.lag_sum_ms / 1000)
            lag = LagSummary(**told.lag)
            for window, worst, p99 in (
                ("10s", lag.max_10s_ms, lag.p99_10s_ms),
                ("60s", lag.max_60s_ms, lag.p99_60s_ms),
            ):
                recent.add_metric([worker, window, "max"], worst / 1000)
                recent.add_metric([worker, window, "p99"], p99 / 1000)
        yield from (histogram, recent)

    def _models(self) -> Iterator[Metric]:
        for name, what in (
            ("threads", "Threads that run models."),
            ("queued", "Jobs of models that wait for a thread."),
            ("running", "Jobs of models that run."),
        ):
            yield self._gauge(f"callwright_model_{name}", what, "pool", name)
        for name, what in (
            ("dropped", "Jobs that nobody waited for any more."),
            ("refused", "Jobs for which the queue was too long."),
        ):
            yield self._counter(f"callwright_model_{name}", what, "pool", name)
        for index, (name, what) in enumerate(
            (
                ("jobs", "Jobs of models that have run; `final` decodes what a caller said."),
                ("run_seconds", "How long they ran."),
                ("wait_seconds", "How long they waited for a thread."),
            )
        ):
            family = CounterMetricFamily(
                f"callwright_model_{name}", what, labels=["worker", "priority"]
            )
            for worker, told in self._workers.items():
                for priority in Priority:
                    value = told.jobs[priority.name.lower()][index]
                    family.add_metric([worker, priority.name.lower()], value)
            yield family
        for name, what in (
            ("hits", "Sentences that were spoken from the cache."),
            ("misses", "Sentences that were synthesised."),
        ):
            yield self._counter(f"callwright_speech_cache_{name}", what, "cache", name)
        yield self._gauge(
            "callwright_speech_cache_bytes", "Its size in memory.", "cache", "memory_bytes"
        )

    def _engines(self) -> Iterator[Metric]:
        labels = ["worker", "kind", "engine"]
        failures = CounterMetricFamily(
            "callwright_engine_failures",
            "What an engine failed at, or was too slow for, and another had to do.",
            labels=labels,
        )
        left = GaugeMetricFamily(
            "callwright_engine_left_alone",
            "1: it failed lately or could not start, and is tried again soon.",
            labels=labels,
        )
        for worker, told in self._workers.items():
            for name, (count, is_left_alone) in told.engines.items():
                where = [worker, *name.split(" ", 1)]
                failures.add_metric(where, count)
                left.add_metric(where, float(is_left_alone))
        yield from (failures, left)

    def _process(self) -> Iterator[Metric]:
        yield from self._garbage()
        yield self._counter(
            "process_cpu_seconds", "CPU time, of user and system.", "process", "cpu_seconds"
        )
        for name, what in (
            ("resident_memory_bytes", "Memory in use."),
            ("threads", "Threads."),
            ("open_fds", "Open files and sockets."),
            ("start_time_seconds", "When it started, in Unix time."),
        ):
            yield self._gauge(f"process_{name}", what, "process", name)

    def _garbage(self) -> Iterator[Metric]:
        for index, (name, what) in enumerate(
            (
                ("collections", "Collections of garbage; generation 2 looks at all objects."),
                ("pause_seconds", "How long they held every thread up."),
            )
        ):
            family = CounterMetricFamily(
                f"callwright_gc_{name}", what, labels=["worker", "generation"]
            )
            for worker, told in self._workers.items():
                for generation, figures in told.garbage.items():
                    family.add_metric([worker, generation], figures[index])
            yield family
        longest = GaugeMetricFamily(
            "callwright_gc_longest_pause_seconds", "The longest of them.", labels=["worker"]
        )
        for worker, told in self._workers.items():
            longest.add_metric([worker], told.longest_pause_s)
        yield longest

    def _gauge(self, name: str, what: str, group: str, key: str) -> Metric:
        family = GaugeMetricFamily(name, what, labels=["worker"])
        for worker, value in self._values(group, key):
            family.add_metric([worker], value)
        return family

    def _counter(self, name: str, what: str, group: str, key: str) -> Metric:
        family = CounterMetricFamily(name, what, labels=["worker"])
        for worker, value in self._values(group, key):
            family.add_metric([worker], value)
        return family

    def _values(self, group: str, key: str) -> Iterator[tuple[str, float]]:
        for worker, told in self._workers.items():
            values: Mapping[str, Any] = getattr(told, group)
            yield worker, values[key]
