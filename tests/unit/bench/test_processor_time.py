"""Processor time from /proc."""

import os
import subprocess
import sys
import time

from tests.bench.peers.processor_time import busy_seconds, processor_seconds

#: A child that computes for a while, says so, and stays.
_BUSY_CHILD = "import time\nwhile time.process_time() < 0.2: pass\nprint('done', flush=True)\ntime.sleep(60)"


def test_processor_time_of_a_process_includes_its_descendants() -> None:
    """A server's workers count as the server, by name and id."""
    before = busy_seconds()
    child = subprocess.Popen([sys.executable, "-c", _BUSY_CHILD], stdout=subprocess.PIPE)
    try:
        assert child.stdout is not None
        child.stdout.readline()
        used = processor_seconds(os.getpid())
    finally:
        child.kill()
        child.communicate()
    (of_child,) = (seconds for name, seconds in used.items() if name.endswith(f":{child.pid}"))
    assert of_child >= 0.15
    assert busy_seconds() - before >= 0.15


def test_processor_time_of_a_process_that_has_ended_is_nothing() -> None:
    """A server that died does not stop a measurement."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    deadline = time.monotonic() + 5
    while processor_seconds(child.pid) and time.monotonic() < deadline:
        pass
    assert processor_seconds(child.pid) == {}
