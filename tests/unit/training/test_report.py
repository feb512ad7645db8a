"""The report."""

import msgspec

from services.training.annoy_index import IndexFit
from services.training.evaluation import Quality
from services.training.report import Report, curve_table, index_table, package_versions, quality_table
from shared.snapshot.manifest import SearchPoint

CURVE = (SearchPoint(neighbours=500, search_k=4000, recall=0.9375, milliseconds=1.5),)
INDEXES = {"content": IndexFit(trees=5, search_k=250, loss=0.0125, milliseconds=0.5, curve=CURVE)}
REPORT = Report(
    snapshot="s-1",
    dataset="chains",
    sizes={"items": 1200, "users": 3},
    quality=quality_table({"test": {"ranked": Quality(hit_rate=0.25, ndcg=0.125, recall=0.5)}}),
    objectives={"test": {"like": {"auc": 0.8125, "true": 0.75}}},
    channels={"content": {"quota": 0.25, "alone": 0.375, "adds": 0.0625}},
    merge={"configured": 0.625, "learned": 0.6875, "queries": 1200.0},
    indexes=index_table(INDEXES),
    curves=curve_table(INDEXES),
    onnx_deviation=1.5e-6,
    variants={"fp16": {"spearman": 0.9875, "kept": 0.0}},
    left_out={"fp16": "it loses 0.42% of NDCG@10, and 0.10% is allowed"},
    epochs={"sequence": [0.1, 0.2]},
    importances={"transition strength": 0.625, "length of the history": 0.375},
    seconds={"recall": 1.0, "total": 2.5},
    cpu_seconds=3.0,
    versions={"numpy": "2.0"},
    configuration={"seed": 4, "threads": 2, "candidates": 500},
)


def test_metrics_have_dotted_names() -> None:
    """The manifest finds each value by part, stage and metric."""
    assert REPORT.metrics() == {
        "test.ranked.hr@10": 0.25,
        "test.ranked.ndcg@10": 0.125,
        "test.ranked.recall@200": 0.5,
        "test.like.auc": 0.8125,
        "test.like.true": 0.75,
    }


def test_programs_read_everything_back() -> None:
    """JSON and back gives an equal report."""
    assert msgspec.json.decode(REPORT.to_json(), type=Report) == REPORT


def test_people_read_every_figure() -> None:
    """The page has the sizes, every stage, the indexes with their loss, times, seed, deviation and versions."""
    page = REPORT.to_markdown()

    for figure in (
        "# Snapshot s-1", "1,200 items", "| ranked | 0.2500 | 0.1250 | 0.5000 |", "| content | 5 | 250 | 0.0125 | 0.5 |",
        "| like | 0.8125 | 0.7500 |", "| content | 0.2500 | 0.3750 | 0.0625 |", "among the 500 candidates",
        "on 1,200 validation queries: 0.6875", "configured quotas, 0.6250",
        "for 500 unseen items", "| 4,000 | 0.9375 | 1.5 |",
        "| fp16 | 0.9875 | 0 |", "fp16 was left out: it loses 0.42% of NDCG@10, and 0.10% is allowed.",
        "the 2 largest shares of 2", "| transition strength | 62.5% |",
        "| total | 2.5 |", "Seed: 4", "2 threads", "1.5e-06", "numpy 2.0",
    ):  # fmt: skip
        assert figure in page


def test_versions_are_those_installed() -> None:
    """Every package that determines the result has its version."""
    assert all(package_versions().values())
    assert "torch" in package_versions()
