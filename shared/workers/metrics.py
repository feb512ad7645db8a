"""One page of metrics for all workers: they write to files that their parent adds up.

Each worker has files by its number, not by its process: whoever takes a dead worker's place goes on counting where that
one stopped, so totals never fall and files do not pile up.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

#: Of the metrics of a process, those that can be added up.
_ADDED_UP = ("process_cpu_seconds", "process_resident_memory_bytes", "process_virtual_memory_bytes", "process_open_fds")


class WorkerMetrics:
    """The files of all workers, and the page that is made of them.

    Args:
        folder: Where the workers write.
        pids: Tells the processes whose use of CPU and memory counts.
    """

    def __init__(self, folder: Path, pids: Callable[[], Sequence[int]]) -> None:
        self._folder = folder
        self._registry = CollectorRegistry()
        self._registry.register(_AddedUp(folder))
        self._registry.register(_Processes(pids))
        self.ready = Gauge("winnow_workers_ready", "Workers that take connections.", registry=self._registry)
        self.restarts = Counter(
            "winnow_worker_restarts", "Workers that ended and were started again.", registry=self._registry
        )

    @classmethod
    def create(cls, port: int, pids: Callable[[], Sequence[int]]) -> "WorkerMetrics":
        """Makes an empty folder. What an earlier parent on the port left, if it was killed, is removed.

        Args:
            port: The workers' port, which nobody else has.
            pids: See the class.
        """
        prefix = f"winnow-metrics-{port}-"
        for left in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
            shutil.rmtree(left, ignore_errors=True)  # it may be another user's
        return cls(Path(tempfile.mkdtemp(prefix=prefix)), pids)

    def environment(self) -> dict[str, str]:
        """Returns the variables that make a process write here."""
        return {"PROMETHEUS_MULTIPROC_DIR": str(self._folder)}

    def serve(self, host: str, port: int) -> None:
        """Serves the page from a thread.

        Raises:
            OSError: the port cannot be listened on.
        """
        prometheus_client.start_http_server(port, addr=host, registry=self._registry)

    def worker_ended(self, number: int) -> None:
        """Takes out what is true of a worker only while it lives; what it counted stays."""
        self.restarts.inc()
        mark_process_dead(number, str(self._folder))  # type: ignore[no-untyped-call]

    def remove(self) -> None:
        """Removes the files."""
        shutil.rmtree(self._folder, ignore_errors=True)


class _AddedUp(Collector):
    """What the workers measure, added up, without the series that they ended: `shared.metrics.end_series`."""

    def __init__(self, folder: Path) -> None:
        self._files = MultiProcessCollector(None, str(folder))  # type: ignore[no-untyped-call]

    def collect(self) -> Iterable[Metric]:
        """Reads the files."""
        for metric in self._files.collect():  # type: ignore[no-untyped-call]
            if getattr(metric, "_multiprocess_mode", "") == "livemax":
                metric.samples = [sample for sample in metric.samples if sample.value or not sample.labels]
            yield metric


class _Processes(Collector):
    """CPU, memory and files of several processes together, under the names that a single one exports."""

    def __init__(self, pids: Callable[[], Sequence[int]]) -> None:
        self._pids = pids

    def collect(self) -> Iterable[Metric]:
        """Reads what the system tells of each process."""
        together: dict[str, Metric] = {}
        for pid in self._pids():
            for metric in ProcessCollector(pid=lambda pid=pid: pid, registry=None).collect():  # type: ignore[misc]
                if metric.name in _ADDED_UP:
                    sum_of = together.setdefault(metric.name, metric)
                    if sum_of is not metric:
                        sum_of.samples = [
                            one._replace(value=one.value + more.value)
                            for one, more in zip(sum_of.samples, metric.samples, strict=True)
                        ]
        return together.values()
