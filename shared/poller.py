"""gRPC's own thread, kept from interrupting the event loop.

gRPC for asyncio reads its sockets on a thread of its own, which is woken up for every event of every call, some ten of
them a request. Each time the kernel would let it go before the thread of the event loop, which is in the middle of its
work and has to wait, with its caches overwritten, only to hear of one event more.
"""

import os
import sys
import threading
from contextlib import suppress


def let_the_loop_go_first() -> None:
    """Has gRPC's thread wait until the event loop has nothing to do, or has had its share of the CPU.

    Call it once gRPC for asyncio is in use. Where the kernel cannot do it, or does not let us, nothing changes.
    """
    if sys.platform != "linux":
        return
    for thread in threading.enumerate():
        if _is_poller(thread) and thread.native_id is not None:
            with suppress(OSError):  # a sandbox that forbids it
                os.sched_setscheduler(thread.native_id, os.SCHED_BATCH, os.sched_param(0))


def give_way() -> None:
    """Lets gRPC's thread, if it waits for this one, hand over what has come. Otherwise it takes less than a microsecond."""
    os.sched_yield()


def _is_poller(thread: threading.Thread) -> bool:
    """gRPC gives its thread no name: it is known by what it runs."""
    return getattr(getattr(thread, "_target", None), "__name__", "") == "_poll_wrapper"
