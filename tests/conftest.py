"""What every test begins with, and how tests are shared out where several processes run them (`make test`)."""

import os
from collections.abc import Iterator

import pytest
import structlog
from xdist.scheduler import LoadFileScheduling

if "PYTEST_XDIST_WORKER" in os.environ:
    # Each has its own share of the processors. Torch and BLAS, which are imported later, would take them all.
    os.environ.setdefault("OMP_NUM_THREADS", "1")


class _ByFile(LoadFileScheduling):  # type: ignore[misc]
    """A file's tests stay together, for what they share; those with the whole suite, which take turns anyway, too."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return "tests/e2e" if file.startswith("tests/e2e/") else file

    def remove_node(self, node: object) -> str | None:
        """Shares out what a process that crashed has left; returns the test that it crashed in, which has failed.

        The scheduler of pytest-xdist 3.8 hands out all that it had, and so that test again, and files with nothing left
        to do, which others then wait for ever to have done.
        """
        files: dict[str, dict[str, bool]] = self.assigned_work.pop(node)
        crashed_in = next((test for tests in files.values() for test, done in tests.items() if not done), None)
        if crashed_in is not None:
            files[self._split_scope(crashed_in)][crashed_in] = True
            self.workqueue.update({file: tests for file, tests in files.items() if not all(tests.values())})
            for other in self.nodes:
                self._reschedule(other)
        return crashed_in


@pytest.hookimpl(optionalhook=True)  # `-p no:xdist` is all right
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadFileScheduling:
    """Returns what shares tests out."""
    return _ByFile(config, log)


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """A test that configures the logs of this process must not leave a stream behind that was its own."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)
