"""Answers are counted: how long, how often degraded, and what filters and backfill did."""

from prometheus_client import REGISTRY

from services.gateway import metrics
from services.gateway.answer import Answer, Recommendation
from services.gateway.degradation import Degradation, Reason, Stage
from shared.snapshot.catalogue import CatalogueItem


def value(name: str, **labels: str) -> float:
    """What a series stands at."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_an_answer_moves_the_series_that_it_concerns() -> None:
    """One degraded answer with one item backfilled and two candidates seen."""
    series: list[tuple[str, dict[str, str], float]] = [
        ("winnow_gateway_answers_total", {"degraded": "true"}, 1),
        ("winnow_gateway_answers_total", {"degraded": "false"}, 0),
        ("winnow_gateway_stage_seconds_count", {"stage": "recall"}, 1),
        ("winnow_gateway_stage_seconds_sum", {"stage": "recall"}, 0.25),
        ("winnow_gateway_degradations_total", {"stage": "ranking", "reason": "deadline"}, 1),
        ("winnow_gateway_filtered_items_total", {"filter": "seen"}, 2),
        ("winnow_gateway_backfilled_items_total", {}, 1),
    ]
    before = [value(name, **labels) for name, labels, _ in series]
    item = CatalogueItem("i1", "One")
    metrics.count(
        Answer(
            items=[Recommendation(item), Recommendation(item, backfilled=True)],
            snapshot_id="snapshot-1",
            degradations=[Degradation(Stage.RANKING, Reason.DEADLINE)],
            timings=[(Stage.RECALL, 0.25)],
            removed={"seen": 2, "excluded": 0},
        )
    )
    moved = [value(name, **labels) - old for (name, labels, _), old in zip(series, before, strict=True)]
    assert moved == [expected for _, _, expected in series]
