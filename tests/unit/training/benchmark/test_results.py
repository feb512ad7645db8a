"""Keeping what was measured."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from services.training.benchmark.protocol import Refused
from services.training.benchmark.results import add_cell, read_cells
from tests.unit.training.benchmark.cells import ML_1M, cell


def test_cells_are_added_in_an_order_of_their_own(tmp_path: Path) -> None:
    """Whatever was measured first, so that two people's additions seldom touch; the file need not be there."""
    path = tmp_path / "new" / "results.json"
    for one in (cell("spectral"), cell("ease"), cell("ease", seed=2)):
        add_cell(path, one)
    assert [(one.model, one.seed) for one in read_cells(path)] == [("ease", 0), ("ease", 2), ("spectral", 0)]
    assert [entry.name for entry in path.parent.iterdir()] == ["results.json"]


def test_a_newer_measurement_of_the_same_cell_replaces_the_older(tmp_path: Path) -> None:
    """Other settings or another seed are another cell."""
    path = tmp_path / "results.json"
    for one in (cell(ndcg=0.1), cell(ndcg=0.2, regularisation=3), cell(ndcg=0.3)):
        add_cell(path, one)
    assert sorted(one.metrics["ndcg@10"].mean for one in read_cells(path)) == [0.2, 0.3]


def test_everything_about_a_cell_is_kept(tmp_path: Path) -> None:
    """It can be repeated from the file alone."""
    path, measured = tmp_path / "results.json", cell(regularisation=3, names=["a"])
    add_cell(path, measured)
    assert read_cells(path) == [measured]
    assert measured.data_set == "ml-1m"
    assert {"processor", "cores", "memory_gib", "threads", "torch"} <= set(measured.machine)


def test_results_from_before_processor_time_was_taken_can_still_be_read(tmp_path: Path) -> None:
    """They say nothing about it."""
    path = tmp_path / "results.json"
    add_cell(path, cell())
    stored = json.loads(path.read_text())
    assert stored[0]["cost"].pop("fit_cpu_seconds") == 15.5
    path.write_text(json.dumps(stored))
    (found,) = read_cells(path)
    assert (found.cost.fit_seconds, found.cost.fit_cpu_seconds) == (8.0, None)


def test_only_data_of_the_published_size_count_as_published() -> None:
    """A folder may be called as it likes."""
    assert cell(size=replace(ML_1M, name="mine")).data_set == "ml-1m"
    other = cell(size=replace(ML_1M, name="ml-1m", events=5))
    assert (other.data_set, other.is_published) == ("ml-1m", False)


def test_a_file_of_something_else_is_left_as_it_is(tmp_path: Path) -> None:
    """A misspelt --out must not cost anybody a file."""
    path = tmp_path / "package.json"
    path.write_text('{"name": "precious"}')
    with pytest.raises(Refused, match=r"package\.json is not a file of benchmark results"):
        add_cell(path, cell())
    assert path.read_text() == '{"name": "precious"}'
    with pytest.raises(Refused, match=r"missing\.json cannot be read"):
        read_cells(tmp_path / "missing.json")
