"""Work in the foreground of a terminal, until Ctrl-C or an orchestrator's SIGTERM."""

import asyncio
import signal
from collections.abc import Coroutine


async def until_signal(work: Coroutine[None, None, None]) -> None:
    """Runs `work` to its end, or until SIGINT or SIGTERM; what it cleans up then is waited for.

    Only the first signal counts: the cleaning up is bounded in time, and a second Ctrl-C must not leave half of it.
    """
    task = asyncio.ensure_future(work)
    signalled = asyncio.Event()

    def stop() -> None:
        if not signalled.is_set():
            signalled.set()
            task.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        await task
    except asyncio.CancelledError:
        if not signalled.is_set():
            raise
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
