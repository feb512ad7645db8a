"""The search, as a whole and on functions with a known best."""

import sys
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from services.training.config import TrainingConfig
from services.training.datasets import write_dataset
from services.training.recall.model import Unsuitable
from services.training.tuning.__main__ import main
from services.training.tuning.space import Range
from services.training.tuning.study import Found, search
from tests.unit.training.chains import chain_dataset

SPACE = {"x": (Range(low=0.0, high=1.0), False), "n": (Range(low=1, high=4), True)}


def run(
    folder: Path,
    objective: Callable[[Mapping[str, Any]], float],
    trials: int,
    tried: list[Mapping[str, Any]] | None = None,
) -> Found | None:
    """Searches."""
    pytest.importorskip("optuna")
    seen = [] if tried is None else tried

    def told(number: int, settings: Mapping[str, Any], value: float) -> None:  # noqa: ARG001 - as `search` calls it
        seen.append(settings)

    return search(folder, SPACE, objective, name="it", trials=trials, seed=0, first={"x": 0.5, "n": 2}, told=told)


def hill(settings: Mapping[str, Any]) -> float:
    """Is highest where x is 0.8 and n is 3."""
    return -float((settings["x"] - 0.8) ** 2 + (settings["n"] - 3) ** 2)


def test_the_search_begins_with_the_defaults_and_finds_better(tmp_path: Path) -> None:
    """Whole numbers stay whole, and the best of all trials is given."""
    tried: list[Mapping[str, Any]] = []

    found = run(tmp_path, hill, 25, tried)

    assert tried[0] == {"x": 0.5, "n": 2}
    assert found is not None
    assert found.trials == len(tried) == 25
    assert found.ndcg == max(map(hill, tried)) > -0.1
    assert found.settings["n"] == 3


def test_a_killed_search_goes_on(tmp_path: Path) -> None:
    """The trial that it was killed in is tried again, those before are not, and nothing is chosen twice."""
    tried: list[Mapping[str, Any]] = []
    killed: list[Mapping[str, Any]] = []

    def die_in_the_fourth(settings: Mapping[str, Any]) -> float:
        if len(tried) == 3:
            killed.append(settings)
            raise KeyboardInterrupt
        return hill(settings)

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, die_in_the_fourth, 6, tried)
    again: list[Mapping[str, Any]] = []
    found = run(tmp_path, hill, 6, again)

    assert again[0] == killed[0]
    assert len(again) == 3
    assert len({tuple(one.values()) for one in (*tried, *again)}) == 6
    assert found is not None
    assert found.ndcg == max(map(hill, (*tried, *again)))


def test_a_default_that_is_not_in_the_space_is_not_tried(tmp_path: Path) -> None:
    """The rest of the first trial is."""
    pytest.importorskip("optuna")
    space = {"x": (Range(low=0.0, high=1.0), False), "kind": (Range(choices=("a", "b")), False)}
    tried: list[Mapping[str, Any]] = []

    search(
        tmp_path, space, lambda _: 1.0, name="it", trials=1, seed=0, first={"x": 0.5, "kind": "c"},
        told=lambda _number, settings, _value: tried.append(settings),
    )  # fmt: skip

    assert tried[0]["x"] == 0.5
    assert tried[0]["kind"] in {"a", "b"}


def test_settings_that_cannot_be_fitted_are_no_result(tmp_path: Path) -> None:
    """They count as tried, so that the search ends."""

    def refuse(settings: Mapping[str, Any]) -> float:  # noqa: ARG001 - as `search` calls it
        raise Unsuitable("too much")

    assert run(tmp_path, refuse, 3) is None


def test_the_best_settings_are_a_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For the first channel; with the data in it, `winnow train --config` needs nothing else."""
    pytest.importorskip("optuna")
    write_dataset(chain_dataset(), tmp_path / "data")
    (tmp_path / "space.toml").write_text("regularisation = {low = 0.1, high = 10, log = true}\nmax_items = 100\n")
    flags = ["--data", str(tmp_path / "data"), "--recall", "ease", "--space", str(tmp_path / "space.toml"),
             "--run", str(tmp_path / "run"), "--threads", "1"]  # fmt: skip

    assert main([*flags, "--trials", "2"]) == 0
    assert main([*flags, "--trials", "3"]) == 0

    said = capsys.readouterr().out
    assert [f"trial {number}:" in said for number in range(4)] == [True, True, True, False]
    best = TrainingConfig.from_toml(tmp_path / "run" / "best.toml")
    channel = best.channels[next(iter(best.vector_channels()))]
    assert channel.model == "ease"
    assert 0.1 <= channel.settings["regularisation"] <= 10
    assert channel.settings["max_items"] == 100
    record = tomllib.loads((tmp_path / "run" / "best.toml").read_text())
    assert record["run"]["sources"] == {"data": str(tmp_path / "data")}


def test_a_ranker_is_searched_over_candidates_of_recall_that_is_fitted_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its best settings are those of the configuration's ranker; the channels stay what they were."""
    pytest.importorskip("optuna")
    write_dataset(chain_dataset(), tmp_path / "data")
    (tmp_path / "training.toml").write_text(
        'max_history = 8\n[channels.main]\nmodel = "ease"\n[channels.popularity]\n[ranker]\nnegatives = 8\n'
    )
    (tmp_path / "space.toml").write_text("dimension = {choices = [2, 4]}\nepochs = 1\n")
    flags = ["--data", str(tmp_path / "data"), "--ranker", "mf", "--space", str(tmp_path / "space.toml"),
             "--config", str(tmp_path / "training.toml"), "--run", str(tmp_path / "run"), "--threads", "1"]  # fmt: skip

    assert main([*flags, "--trials", "2"]) == 0

    said = capsys.readouterr().out
    assert "mf: the best of 2 trials, NDCG@10 0." in " ".join(said.split())
    assert said.count("list candidates") == 1
    best = TrainingConfig.from_toml(tmp_path / "run" / "best.toml")
    assert (best.ranker.model, best.ranker.negatives, list(best.channels)) == ("mf", 8, ["main", "popularity"])
    assert best.ranker.settings["dimension"] in {2, 4}
    assert best.ranker.settings["epochs"] == 1


def test_without_the_extra_it_says_what_to_install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a sentence."""
    monkeypatch.setitem(sys.modules, "optuna", None)
    write_dataset(chain_dataset(), tmp_path / "data")

    status = main(["--data", str(tmp_path / "data"), "--recall", "ease", "--run", str(tmp_path / "run"), "--quiet"])

    assert status == 2
    assert "winnow[search]" in capsys.readouterr().err
