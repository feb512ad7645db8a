"""Whole runs of protocols on small folders."""

import itertools
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from services.training.benchmark import judging
from services.training.benchmark.popularity import SameForEverybody
from services.training.benchmark.protocol import Outcome, Refused, Request
from services.training.benchmark.questions import NextItem
from services.training.benchmark.registry import PROTOCOLS
from services.training.datasets.ratings import Ratings
from services.training.progress import Silence
from services.training.rating.biases import BIASES
from services.training.rating.model import RatingFamily
from services.training.rating.registry import RATING_MODELS
from services.training.recall.model import RecallModel
from tests.unit.training.benchmark.folders import (
    periods_folder,
    ratings_folder,
    sequences_folder,
    split_folder,
    timed_folder,
    with_ncf_test,
)

FOLDERS: dict[str, Callable[[Path], Path]] = {
    "ncf": lambda root: with_ncf_test(sequences_folder(root)),
    "sampled-negatives": sequences_folder,
    "next-item": sequences_folder,
    "top-n": split_folder,
    "time-split": timed_folder,
    "time-folds": periods_folder,
}


def run(protocol: str, model: str, folder: Path, **settings: object) -> Outcome:
    """One cell."""
    max_history = settings.pop("max_history", None)
    assert max_history is None or isinstance(max_history, int)
    return PROTOCOLS[protocol].run(Request(folder, model, settings, 0, 1, max_history, Silence()))


@pytest.mark.parametrize("protocol", FOLDERS)
def test_a_recall_protocol_judges_any_model_of_the_registry(protocol: str, tmp_path: Path) -> None:
    """With intervals, slices and what the model takes."""
    outcome = run(protocol, "ease", FOLDERS[protocol](tmp_path), regularisation=1.0)
    main = list(outcome.metrics.values())[-1]
    assert 0 <= main.low <= main.mean <= main.high <= 1
    assert outcome.configuration["regularisation"] == 1.0
    assert outcome.queries > 0
    assert sum(name.startswith("history of") for name in outcome.slices) >= 1
    assert outcome.cost.dimension == outcome.size.items
    assert outcome.cost.bytes_per_item == 4 * outcome.size.items
    assert outcome.cost.query_ms is not None
    assert outcome.cost.fit_cpu_seconds is not None
    assert bool(outcome.beyond) == (protocol in {"next-item", "top-n", "time-split", "time-folds"})


def test_who_learns_who_goes_together_beats_popularity(tmp_path: Path) -> None:
    """All items are equally popular here, so popularity is no better than chance."""
    folder = split_folder(tmp_path)
    ease = run("top-n", "ease", folder, regularisation=1.0).metrics["recall@20"].mean
    popularity = run("top-n", "popularity", folder).metrics["ndcg@20"].mean
    assert ease == 1.0  # twenty places for thirteen items
    assert run("top-n", "ease", folder, regularisation=1.0).metrics["ndcg@20"].mean > 1.3 * popularity


def test_folds_of_time_are_judged_together_and_one_by_one(tmp_path: Path) -> None:
    """As many people are asked in each period, so the figure is the mean of those of the periods."""
    outcome = run("time-folds", "popularity", periods_folder(tmp_path))
    periods = [one.mean for name, one in outcome.slices.items() if name.startswith("period")]
    assert outcome.queries == 50
    assert len(periods) == 5
    assert outcome.metrics["ndcg@20"].mean == pytest.approx(np.mean(periods))
    assert len(set(periods)) > 1


def test_popularity_is_what_counting_says(tmp_path: Path) -> None:
    """HR@10 of next-item worked out by hand from the files."""
    folder = sequences_folder(tmp_path)
    histories = [line.split()[1:] for line in (folder / "sequences.txt").read_text().splitlines()]
    met = {item for history in histories for item in history}
    counts = {item: sum(item in history[:-2] for history in histories) for item in met}
    hits = []
    for *history, target in histories:
        others = [counts[item] for item in met if item not in history and item != target]
        hits.append(sum(count >= counts[target] for count in others) < 10)
    assert run("next-item", "popularity", folder).metrics["hr@10"].mean == pytest.approx(np.mean(hits), abs=1e-6)


def test_batches_bound_memory_and_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One question at a time gives what all at once give."""
    folder = sequences_folder(tmp_path)
    together = run("next-item", "ease", folder)
    monkeypatch.setattr(judging, "_MOST_SCORES", 1)
    alone = run("next-item", "ease", folder)
    assert alone.metrics == together.metrics
    assert alone.beyond == together.beyond


@pytest.mark.parametrize(
    ("items", "longest", "expected"), [(10, 5, 256), (1_000_000, 5, 16), (10, 1000, 65), (10**9, 0, 1)]
)
def test_large_catalogues_and_long_histories_make_batches_small(items: int, longest: int, expected: int) -> None:
    """Never none."""
    assert judging.batch_size(items, longest) == expected


def test_a_model_may_be_shown_only_the_newest_items(tmp_path: Path) -> None:
    """Which for EASE means less to go by: another result."""
    folder = sequences_folder(tmp_path)
    assert run("next-item", "ease", folder, max_history=1).metrics != run("next-item", "ease", folder).metrics


def test_ratings_are_each_predicted_by_a_model_that_has_not_seen_them(tmp_path: Path) -> None:
    """The noise is .1 and cannot be predicted, the rest can."""
    outcome = run("rating", "biases", ratings_folder(tmp_path), regularisation=0.1)
    assert outcome.queries == 300
    assert 0.07 < outcome.metrics["rmse"].low < outcome.metrics["rmse"].high < 0.35
    sampled = run("rating", "bayesian_mf", tmp_path / "stars", dimension=2, burn_in=60, samples=40)
    assert sampled.metrics["rmse"].mean < 0.5


class Memory:
    """Refuses to predict what it has learned from."""

    numbers = 0

    def __init__(self, ratings: Ratings) -> None:
        self.pairs = set(zip(ratings.users.tolist(), ratings.items.tolist(), strict=True))

    def predict(self, users: npt.NDArray[np.int64], items: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Returns three stars for all."""
        assert not self.pairs & set(zip(users.tolist(), items.tolist(), strict=True))
        assert len(self.pairs) == 240
        return np.full(len(users), 3.0)


def test_no_fold_is_judged_by_a_model_that_learned_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four fifths are learned from, and the fifth is asked."""
    family = RatingFamily("memory", "", BIASES.config, lambda ratings, config, context: Memory(ratings))  # noqa: ARG005
    monkeypatch.setitem(RATING_MODELS, "memory", family)
    assert run("rating", "memory", ratings_folder(tmp_path)).metrics["rmse"].mean > 0.5


def test_processor_time_is_that_of_the_fit_of_one_fold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five fits that take 20 s of the processor's time each show 20 s: not all 100, nor what predicting takes."""
    clock = itertools.count(step=20.0)
    monkeypatch.setattr(time, "process_time", clock.__next__)
    family = RatingFamily("memory", "", BIASES.config, lambda ratings, config, context: Memory(ratings))  # noqa: ARG005
    monkeypatch.setitem(RATING_MODELS, "memory", family)
    assert run("rating", "memory", ratings_folder(tmp_path)).cost.fit_cpu_seconds == 20


def test_answers_stand_in_the_order_of_the_questions() -> None:
    """Though histories of about the same length are asked together: parts of the users would be others'."""
    histories = tuple(np.arange(length, dtype=np.int32) for length in (5, 1, 3))
    questions = NextItem(np.arange(3), histories, np.array([5, 9, 9]), k=1)
    vectors = np.zeros((10, 1), dtype=np.float32)
    vectors[5] = 1.0
    asked = judging.Asked(RecallModel(SameForEverybody(), vectors), np.zeros((3, 1), dtype=np.float32), 5)
    judged = judging.ask_all(questions, asked, Silence())
    assert judged.metrics["hr@1"].tolist() == [1, 0, 0]
    assert judged.lists is not None
    assert judged.lists.tolist() == [[5], [5], [5]]


@pytest.mark.parametrize("protocol", ["next-item", "rating"])
def test_an_unknown_model_is_refused_with_those_there_are(protocol: str, tmp_path: Path) -> None:
    """Whatever the folder."""
    with pytest.raises(
        Refused, match=f"no model 'magic' for {protocol}; choose one of {'.*, '.join(PROTOCOLS[protocol].models())}"
    ):
        run(protocol, "magic", tmp_path)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"regularization": 3}, "setting 'regularization' of ease.*the settings are: regularisation, max_items"),
        ({"regularisation": -1}, "setting 'regularisation' of ease: Input should be greater than 0"),
        ({"max_items": 5}, "more than max_items"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(settings: dict[str, object], problem: str, tmp_path: Path) -> None:
    """And so is a model that the data do not suit."""
    with pytest.raises(Refused, match=problem):
        run("next-item", "ease", sequences_folder(tmp_path), **settings)


def test_every_protocol_says_what_it_is() -> None:
    """In a line, with its files and at least the baseline among its models."""
    for name, protocol in PROTOCOLS.items():
        assert protocol.name == name
        assert protocol.summary
        assert "\n" not in protocol.summary
        assert protocol.files
        assert {"popularity", "biases", "click_rate"} & set(protocol.models())
