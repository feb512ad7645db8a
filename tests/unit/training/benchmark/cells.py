"""Measured cells as they might be."""

from pathlib import Path

from services.training.benchmark.protocol import Cost, DataSize, Outcome, Request
from services.training.benchmark.results import Cell
from services.training.metrics import Interval
from services.training.progress import Silence

ML_1M = DataSize("movielens-1m", 6_040, 3_416, 999_608)


def cell(
    model: str = "ease", *, size: DataSize = ML_1M, ndcg: float = 0.449, seed: int = 0, **settings: object
) -> Cell:
    """A cell of the protocol `ncf`."""
    outcome = Outcome(
        size=size,
        configuration={"regularisation": 500.0},
        queries=6_040,
        metrics={
            "mrr@10": Interval(0.3, 0.31, 0.32),
            "hr@10": Interval(0.70, 0.7172, 0.73),
            "ndcg@10": Interval(ndcg - 0.01, ndcg, ndcg + 0.01),
        },
        cost=Cost(8.0, 2.0, 13_664.0, 3_416, 1.25, fit_cpu_seconds=15.5),
        slices={"history of 0 to 4": Interval(0.1, 0.2, 0.3)},
    )
    return Cell.of("ncf", Request(Path("ml-1m"), model, settings, seed, 2, None, Silence()), outcome)
