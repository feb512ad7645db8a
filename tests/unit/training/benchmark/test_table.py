"""The page of quality."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from services.training.benchmark.protocol import Cost, DataSize, Outcome, Refused, Request
from services.training.benchmark.published import bars, cells, published, reaches
from services.training.benchmark.results import Cell, read_cells
from services.training.benchmark.table import BEGIN, END, render, replace_table
from services.training.metrics import Interval
from services.training.progress import Silence
from tests.unit.project.sources import ROOT
from tests.unit.training.benchmark.cells import ML_1M, cell


def test_a_row_has_the_figure_its_interval_what_was_published_and_the_cost() -> None:
    """And says which bars it reaches: EASE's NDCG passes the target, but its hit rate only the gate."""
    (row,) = [line for line in render([cell()]).splitlines() if line.startswith("| `ease`")]
    assert "0.7172 [0.7000, 0.7300] | 0.7172 | 0.4490 [0.4390, 0.4590] | 0.4490" in row
    assert "| gate | 8.0 s | 15.5 s | 2 | 13,664 | 1.25 | 0 |" in row


def test_a_row_from_before_processor_time_was_taken_leaves_it_empty() -> None:
    """It is neither zero nor the wall time."""
    before = cell()
    page = render([msgspec.structs.replace(before, cost=replace(before.cost, fit_cpu_seconds=None))])
    assert "| gate | 8.0 s |  | 2 | 13,664 |" in page


def test_what_was_fitted_in_epochs_shows_their_course() -> None:
    """Once, under the table, with the settings that tell two rows of a model apart; closed forms have none."""
    fitted = msgspec.structs.replace(cell("sasrec", dropout=0.5), curve=(0.1, 0.3, 0.2))
    page = render([cell(), fitted])
    (line,) = [line for line in page.splitlines() if line.startswith("- ")]
    assert line == "- `sasrec` (dropout=0.5): `▁█▅` 0.1000, best 0.3000 (epoch 2 of 3), last 0.2000"
    assert "Validation NDCG@10 after" in page
    assert "Validation AUC after" in render([msgspec.structs.replace(fitted, protocol="ctr")])
    assert "after each epoch" not in render([cell()])


def test_the_machines_are_told_each_once() -> None:
    """Whatever was measured on them; one that was held to a core says so."""
    machine = cell().machine | {"processor": "P", "memory_gib": 8, "torch": "2"}
    rows = [
        msgspec.structs.replace(cell(seed=seed), machine={**machine, "cores": cores})
        for seed, cores in enumerate((1, 4, 4))
    ]
    assert "Measured on P, 1 core, 8 GiB, torch 2; P, 4 cores, 8 GiB, torch 2.\n" in render(rows)


def test_every_row_has_as_many_columns_as_the_headings() -> None:
    """Those that were published only, too: a row that is too short would be cut off unseen."""
    rows = [line for line in render([cell()]).splitlines() if line.startswith("|")]
    assert any("published only" in row for row in rows)
    assert len({row.count("|") for row in rows}) == 1


def test_a_model_below_the_gate_reaches_nothing() -> None:
    """Both metrics have to pass."""
    assert "| nothing | 8.0 s" in render([cell(ndcg=0.43)])


def test_what_has_no_record_can_reach_only_its_target() -> None:
    """Nothing is not a bar that everybody passes."""
    rating = Outcome(
        DataSize("stars", 943, 1_682, 100_000), {}, 100_000, {"rmse": Interval(0.89, 0.9, 0.91)}, Cost(1.0, 1.0, 4.0)
    )
    measured = Cell.of("rating", Request(Path(), "bayesian_mf", {}, 0, 2, None, Silence()), rating)
    page = render([measured])
    assert "gate: 0.9400 · target: 0.9200\n" in page
    assert "| target | 1.0 s |  | 2 | 4 |  | 0 |" in page


def test_settings_that_were_given_are_told() -> None:
    """A figure without them cannot be repeated."""
    assert "| `ease` (regularisation=3)" in render([cell(regularisation=3)])


def test_published_models_that_were_not_measured_are_listed_beside() -> None:
    """So that a gap is seen; the measured one is not listed twice."""
    page = render([cell()])
    assert "| *NeuMF* |  | 0.7300 |  | 0.4470 | *published only* |" in page
    assert "closed-form" not in page
    assert "Published by Rendle, Krichene, Zhang & Anderson, RecSys 2020" in page


def test_other_data_are_compared_with_nothing() -> None:
    """Figures of another split would mislead."""
    page = render([cell(size=replace(ML_1M, name="mine", events=7))])
    assert "### ncf on mine" in page
    assert "gate" not in page
    assert "published only" not in page


def test_a_page_keeps_everything_but_its_table() -> None:
    """Before and after the marks; without marks it is refused."""
    page = f"# Quality\n\n{BEGIN}\nold\n{END}\n\nAfter.\n"
    assert replace_table(page, "new\n") == f"# Quality\n\n{BEGIN}\n\nnew\n\n{END}\n\nAfter.\n"
    with pytest.raises(Refused, match="the page lacks the lines"):
        replace_table("# Quality\n", "new\n")


def test_the_page_in_the_documents_is_made_from_the_results_beside_it() -> None:
    """No figure on it was typed by hand."""
    page = (ROOT / "docs" / "quality.md").read_text(encoding="utf-8")
    assert page == replace_table(page, render(read_cells(ROOT / "docs" / "quality.json")))


def test_an_error_passes_a_bar_by_being_below_it() -> None:
    """And everything else by being above; on the bar is enough."""
    assert reaches("rmse", 0.91, 0.92)
    assert not reaches("rmse", 0.93, 0.92)
    assert reaches("ndcg@10", 0.45, 0.45)
    assert not reaches("ndcg@10", 0.44, 0.45)


def test_every_published_figure_has_the_metrics_of_its_bars_and_a_source() -> None:
    """And a target is no easier than its gate."""
    for protocol, data_set in cells():
        demanded = bars(protocol, data_set)
        assert demanded is not None
        names = list(demanded.gate)
        assert list(demanded.target) == names
        assert list(demanded.record) in (names, [])
        for name in names:
            sign = -1 if name == "rmse" else 1
            assert sign * demanded.target[name] > sign * demanded.gate[name]
        for one in published(protocol, data_set):
            assert list(one.values) == names
            assert one.source
