"""The parent of the workers: it holds the port, starts them, and starts those that die again.

It takes no calls itself, so nothing of a call can bring it down. Workers are processes of their
own from their first instruction (no fork: engines have threads), in process groups of their own,
so that Ctrl-C reaches them through the parent alone. Should the parent be killed, they notice at
their lifeline and stop as if told to.
"""

import asyncio
import os
import signal
import socket
import sys
import time
from contextlib import ExitStack, suppress

from loguru import logger

from bot.errors import StartFailed
from bot.listener import listen
from bot.settings import Settings, environment_of_child
from bot.workers.board import Board, WorkerState, board_file
from bot.workers.restarts import Restarts
from bot.workers.seat import Inheritance

_LOOK_EVERY_S = 0.05


def supervise(settings: Settings) -> None:
    """Serve with `settings.workers` processes until told to stop.

    Raises:
        StartFailed: the address can't be listened on, or the first worker did not start.
    """
    with listen(settings) as listener, ExitStack() as stack:
        try:
            asyncio.run(Supervisor(settings, listener, stack).run())
        except* StartFailed as failed:
            reason = failed.exceptions[0]
        else:
            return
    raise reason


class Supervisor:
    """Keeps the workers alive."""

    def __init__(self, settings: Settings, listener: socket.socket, stack: ExitStack) -> None:
        """`stack` closes what is opened here."""
        self._settings = settings
        self._listener = listener
        self._count = settings.workers
        self._board_fd = board_file(settings.call_limit, self._count)
        stack.callback(os.close, self._board_fd)
        self._board = Board(settings.call_limit, self._count, fd=self._board_fd)
        self._inboxes = [
            socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(self._count)
        ]
        for pair in self._inboxes:
            for end in pair:
                stack.enter_context(end)
        self._lifeline, held = os.pipe()
        stack.callback(os.close, self._lifeline)
        stack.callback(os.close, held)
        self._running: dict[int, asyncio.subprocess.Process] = {}
        self._stopping = asyncio.Event()
        self._has_served = False

    async def run(self) -> None:
        """Until a signal has stopped all workers."""
        for sign in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(sign, self._stop)
        async with asyncio.TaskGroup() as tasks:
            # The first alone: it makes the tables and speaks the prompts that the others find.
            tasks.create_task(self._keep(0))
            await self._first_serves()
            for worker in range(1, self._count):
                tasks.create_task(self._keep(worker))

    def _stop(self) -> None:
        """Tell all workers to stop; told twice, they do so at once."""
        self._stopping.set()
        for process in self._running.values():
            _tell_to_stop(process)

    async def _first_serves(self) -> None:
        while not (self._has_served or self._stopping.is_set()):
            await asyncio.sleep(_LOOK_EVERY_S)
            self._has_served = self._board.state(0) is WorkerState.OPEN

    async def _keep(self, worker: int) -> None:
        """Start a worker, again and again, until told to stop."""
        restarts = Restarts()
        while not self._stopping.is_set():
            process = self._running[worker] = await self._start(worker)
            began_s = time.monotonic()
            if self._stopping.is_set():  # told while it was started
                _tell_to_stop(process)
            status = await process.wait()
            del self._running[worker]
            self._board.forget(worker)
            if self._stopping.is_set():
                return
            if not self._has_served:
                raise StartFailed("The first worker did not start; its reason stands above.")
            wait_s = restarts.wait_s(time.monotonic() - began_s)
            logger.error(
                "worker {} ended ({}); it is started again in {:g} s", worker, status, wait_s
            )
            await self._wait(wait_s)

    async def _wait(self, for_s: float) -> None:
        try:
            async with asyncio.timeout(for_s):
                await self._stopping.wait()
        except TimeoutError:
            pass

    async def _start(self, worker: int) -> asyncio.subprocess.Process:
        inherited = Inheritance(
            worker=worker,
            workers=self._count,
            max_calls=self._board.max_calls,
            listener=self._listener.fileno(),
            board=self._board_fd,
            inbox=self._inboxes[worker][0].fileno(),
            others={
                other: pair[1].fileno()
                for other, pair in enumerate(self._inboxes)
                if other != worker
            },
            lifeline=self._lifeline,
        )
        settings = self._settings
        options = {  # those that the command line may have set
            "CALLWRIGHT_HOST": settings.host,
            "CALLWRIGHT_PORT": str(settings.port),
            "CALLWRIGHT_DATA_DIR": str(settings.data_dir),
            "CALLWRIGHT_WORKERS": str(settings.workers),
        }
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot.workers.worker", inherited.as_text()),
            env=environment_of_child(options, keep_ours=True),
            pass_fds=inherited.descriptors,
            process_group=0,
        )


def _tell_to_stop(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):  # it has just ended
        process.terminate()
