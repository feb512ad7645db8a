"""What a measurement gives, whatever was measured."""

from dataclasses import asdict, dataclass, field
from typing import Any, Self

from tests.load.histogram import LatencyHistogram


@dataclass(frozen=True)
class Measured:
    """One line of the table.

    Attributes:
        answers_per_second: Throughput.
        latency_ms: Percentiles by name.
        errors: Calls without an answer.
        degraded: Answers that do without something.
        cpu_ms: CPU-milliseconds an answer, by process; empty where that was not measured.
        batch_sizes: Questions that went together on average, by method; empty likewise.
    """

    answers_per_second: float
    latency_ms: dict[str, float]
    errors: int = 0
    degraded: int = 0
    cpu_ms: dict[str, float] = field(default_factory=dict)
    batch_sizes: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, answers_per_second: float, latencies: LatencyHistogram) -> Self:
        """Returns what was measured without a service."""
        return cls(round(answers_per_second, 1), latencies.percentiles().as_dict())

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)
