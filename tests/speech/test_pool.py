"""The pool: who goes first, who is turned away, and what becomes of work nobody waits for."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from speech.errors import DeadlineExceeded, EngineBusy
from speech.pool import EnginePool, Priority


class Gate:
    """A job that says when it runs and ends when it is told to."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.leave = threading.Event()

    def __call__(self) -> str:
        self.entered.set()
        assert self.leave.wait(30)
        return "through"

    async def is_running(self) -> None:
        assert await asyncio.to_thread(self.entered.wait, 30)


@pytest.fixture
async def pool() -> AsyncIterator[EnginePool]:
    async with EnginePool(1, max_queued=4) as made:
        yield made


async def test_a_job_runs_off_the_event_loop_and_its_result_comes_back(pool: EnginePool) -> None:
    name = await pool.run(lambda: threading.current_thread().name)
    assert name == "engine-0"
    assert await pool.run(divmod, 17, 5) == (3, 2)


async def test_the_most_urgent_job_goes_first_and_equals_in_their_order(pool: EnginePool) -> None:
    gate, order = Gate(), list[str]()
    running = pool.submit(gate)
    await gate.is_running()
    jobs = [
        pool.submit(order.append, name, priority=priority)
        for name, priority in (
            ("prewarm", Priority.PREWARM),
            ("partial", Priority.PARTIAL),
            ("final 1", Priority.FINAL),
            ("final 2", Priority.FINAL),
        )
    ]
    gate.leave.set()
    await asyncio.gather(running, *jobs)
    assert order == ["final 1", "final 2", "partial", "prewarm"]


async def test_voice_activity_is_judged_while_every_worker_is_busy(pool: EnginePool) -> None:
    gate = Gate()
    running = pool.submit(gate)
    await gate.is_running()
    assert await pool.run(lambda: "now", priority=Priority.VAD) == "now"
    gate.leave.set()
    assert await running == "through"


async def test_work_that_may_wait_leaves_a_worker_free_for_a_final_transcript() -> None:
    async with EnginePool(2) as pool:
        first, second = Gate(), Gate()
        jobs = [
            pool.submit(first, priority=Priority.PARTIAL),
            pool.submit(second, priority=Priority.PREWARM),
        ]
        await first.is_running()
        assert await pool.run(lambda: "final", priority=Priority.FINAL) == "final"
        assert not second.entered.is_set()
        first.leave.set()
        second.leave.set()
        assert await asyncio.gather(*jobs) == ["through", "through"]


async def test_a_queued_job_whose_waiter_is_cancelled_never_runs(pool: EnginePool) -> None:
    gate, ran = Gate(), list[str]()
    running = pool.submit(gate)
    await gate.is_running()
    waiter = asyncio.ensure_future(pool.run(ran.append, "unwanted"))
    await asyncio.sleep(0)
    assert pool.stats.queued == 1
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    assert pool.stats.queued == 0
    gate.leave.set()
    await running
    await pool.run(ran.append, "wanted")
    assert ran == ["wanted"]
    assert pool.stats.dropped == 1


async def test_a_cancelled_waiter_of_a_running_job_is_free_at_once(pool: EnginePool) -> None:
    gate = Gate()
    waiter = asyncio.ensure_future(pool.run(gate))
    await gate.is_running()
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    gate.leave.set()
    assert await pool.run(lambda: "the worker lives") == "the worker lives"


async def test_too_many_waiting_jobs_are_turned_away_at_once(pool: EnginePool) -> None:
    gate = Gate()
    running = pool.submit(gate)
    await gate.is_running()
    waiting = [pool.submit(int) for _ in range(4)]
    with pytest.raises(EngineBusy, match="4 jobs are waiting for 1 workers"):
        await pool.run(int)
    waiting[0].cancel()
    await asyncio.sleep(0)  # the cancellation reaches the pool
    waiting.append(pool.submit(int))
    gate.leave.set()
    await asyncio.gather(running, *waiting[1:])
    assert pool.stats.refused == 1


async def test_a_deadline_ends_the_wait_and_a_queued_job_is_dropped(pool: EnginePool) -> None:
    gate, ran = Gate(), list[str]()
    running = pool.submit(gate)
    await gate.is_running()
    with pytest.raises(DeadlineExceeded, match=r"0\.01 s"):
        await pool.run(ran.append, "late", deadline_s=0.01)
    gate.leave.set()
    await running
    await pool.run(int)
    assert ran == []


@pytest.mark.parametrize(
    "error", [ValueError("mine"), TimeoutError("mine"), KeyboardInterrupt(), StopIteration("mine")]
)
async def test_what_the_function_raises_reaches_its_waiter_and_the_worker_lives_on(
    pool: EnginePool, error: BaseException
) -> None:
    def broken() -> None:
        raise error

    wanted = RuntimeError if isinstance(error, StopIteration) else type(error)
    job = pool.submit(broken)
    await asyncio.wait([job])
    assert isinstance(job.exception(), wanted)
    assert await pool.run(lambda: 1, deadline_s=30) == 1


async def test_a_timeout_of_the_function_is_not_taken_for_the_deadline(pool: EnginePool) -> None:
    def broken() -> None:
        raise TimeoutError("the function's own")

    with pytest.raises(TimeoutError, match="the function's own"):
        await pool.run(broken, deadline_s=30)


async def test_closing_cancels_what_waits_and_ends_the_threads() -> None:
    before = set(threading.enumerate())
    pool = EnginePool(1)
    gate = Gate()
    running = pool.submit(gate)
    await gate.is_running()
    waiting = pool.submit(int)
    closing = asyncio.ensure_future(pool.close())
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    gate.leave.set()
    assert await running == "through"
    await closing
    await pool.close()
    made = set(threading.enumerate()) - before
    assert not [thread for thread in made if thread.name.startswith("engine-")]
    with pytest.raises(EngineBusy, match="closed"):
        await pool.run(int)


async def test_a_thousand_cancelled_jobs_leave_nothing_waiting(pool: EnginePool) -> None:
    gate = Gate()
    running = pool.submit(gate)
    await gate.is_running()
    for _ in range(1000):
        pool.submit(int, priority=Priority.PREWARM).cancel()
        await asyncio.sleep(0)
    assert pool.stats.queued == 0
    gate.leave.set()
    await running
    assert await pool.run(lambda: 2, priority=Priority.PREWARM) == 2


@pytest.mark.parametrize("numbers", [{"workers": 0}, {"workers": 1, "max_queued": 0}])
def test_a_pool_without_workers_or_queue_is_refused(numbers: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        EnginePool(**numbers)
