"""A Prometheus histogram that takes the numbers of a whole batch at once."""

import threading
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import HistogramMetricFamily


class BatchHistogram:
    """Counts numbers into buckets. The client library's own takes one number at a time, with a lock for each.

    Args:
        name: Of the metric.
        documentation: What it measures.
        label: The name of its only label.
        buckets: Upper bounds, inclusive, rising; infinity comes by itself.
        registry: Where it is exported.
    """

    def __init__(
        self,
        name: str,
        documentation: str,
        label: str,
        buckets: Sequence[float],
        registry: CollectorRegistry = REGISTRY,
    ) -> None:
        self._name = name
        self._documentation = documentation
        self._label = label
        self._bounds = np.array(buckets, dtype=np.float64)
        self._names = [*(str(float(bound)) for bound in buckets), "+Inf"]
        self._counts: dict[str, NDArray[np.int64]] = {}
        self._sums: dict[str, float] = {}
        self._lock = threading.Lock()
        registry.register(self)

    def observe(self, value: str, numbers: Sequence[float]) -> None:
        """Counts numbers under a value of the label."""
        places = np.searchsorted(self._bounds, numbers)
        counts = np.bincount(places, minlength=len(self._names))
        with self._lock:
            self._counts[value] = self._counts.get(value, 0) + counts
            self._sums[value] = self._sums.get(value, 0.0) + float(sum(numbers))

    def describe(self) -> Iterable[HistogramMetricFamily]:
        """Names the metric, so that it cannot be registered twice."""
        return [HistogramMetricFamily(self._name, self._documentation, labels=[self._label])]

    def collect(self) -> Iterable[HistogramMetricFamily]:
        """Returns what was counted, as Prometheus wants it: each bucket with those below it."""
        family = HistogramMetricFamily(self._name, self._documentation, labels=[self._label])
        with self._lock:
            counted = [(value, np.cumsum(counts), self._sums[value]) for value, counts in self._counts.items()]
        for value, counts, total in counted:
            family.add_metric([value], list(zip(self._names, map(float, counts), strict=True)), total)
        return [family]
