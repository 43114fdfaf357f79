"""A console behind a slow network, to look for races by hand; not set in `make test`.

``ILEMTRACK_SLOW_MS=500`` holds each piece of a WebSocket back for a random time up to that, both ways and
in order, as a tunnel of ssh does, and makes timers of pages late, as a loaded computer does.
``ILEMTRACK_SLOW_CPU=6`` slows the browser down by that factor.
"""

import asyncio
import os
import random
import threading
import time

from playwright.sync_api import Page

DELAY_VARIABLE, CPU_VARIABLE = "ILEMTRACK_SLOW_MS", "ILEMTRACK_SLOW_CPU"


_LATE_TIMERS = """
const before = window.setTimeout;
window.setTimeout = (call, ms, ...given) => before(call, Number(ms || 0) + Math.random() * %d, ...given);
"""


def longest_delay_s() -> float:
    """Return the longest delay of a piece, s; 0 for a network that is not slow."""
    return float(os.environ.get(DELAY_VARIABLE, "0")) / 1e3


def slow_down(page: Page) -> None:
    """Make a page as slow as the environment asks for; nothing otherwise."""
    if delay_s := longest_delay_s():
        page.add_init_script(_LATE_TIMERS % (1e3 * delay_s))
    if CPU_VARIABLE in os.environ:
        rate = float(os.environ[CPU_VARIABLE])
        page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": rate})


class SlowNetwork:
    """A port of this computer whose connections lead to another port, WebSockets slowly."""

    def __init__(self, port: int, longest_s: float) -> None:
        self._to, self._longest_s = port, longest_s
        self._random = random.Random(time.time_ns())
        self._loop = asyncio.new_event_loop()
        # In its own thread: that of the tests may have Playwright's event loop.
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._begin(), self._loop).result()
        self.port: int = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Cut all connections."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _begin(self) -> asyncio.Server:
        return await asyncio.start_server(self._connect, "127.0.0.1")

    async def _end(self) -> None:
        self._server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._to)
        head = await reader.read(65536)
        longest_s = self._longest_s if b"upgrade: websocket" in head.lower() else 0.0
        there_writer.write(head)
        await asyncio.gather(
            self._carry(reader, there_writer, longest_s), self._carry(there_reader, writer, longest_s)
        )

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, longest_s: float
    ) -> None:
        """Carry all that comes, each piece after a delay of its own, none before an earlier one."""
        pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def deliver() -> None:
            while True:
                due_s, piece = await pieces.get()
                await asyncio.sleep(due_s - self._loop.time())
                if not piece:
                    writer.close()
                    return
                writer.write(piece)

        delivering = asyncio.create_task(deliver())
        piece = b"-"
        while piece:
            try:
                piece = await reader.read(65536)
            except ConnectionError:
                piece = b""
            pieces.put_nowait((self._loop.time() + self._random.uniform(longest_s / 10, longest_s), piece))
        await delivering
