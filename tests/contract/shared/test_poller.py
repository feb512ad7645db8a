"""gRPC's own thread does not interrupt the event loop's."""

import os
import sys
from pathlib import Path

import pytest

from tests.contract.shared.probe import answer, serving


def policies() -> dict[int, int]:
    """The scheduling policy of each thread of this process, by the kernel's id of it."""
    threads = [int(thread.name) for thread in Path("/proc/self/task").iterdir()]
    return {thread: os.sched_getscheduler(thread) for thread in threads}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has such a policy")
async def test_a_server_has_one_thread_wait_for_the_others() -> None:
    """gRPC's, which is one for the whole process; the thread of the event loop runs as ever."""
    async with serving(answer):
        found = policies()
    assert found[os.getpid()] == os.SCHED_OTHER
    assert list(found.values()).count(os.SCHED_BATCH) == 1
