"""What may go live: both snapshots answer the same questions, from their published files alone."""

from pathlib import Path

import numpy as np
import pytest

from services.training.job import TrainingOutcome, train
from services.training.retraining.gate import LastEvents, compare
from services.training.retraining.published_funnel import PublishedFunnel
from tests.unit.training.chains import USERS, chain_dataset, tiny_config

NOWHERE = np.iinfo(np.int64).max


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> TrainingOutcome:
    """A snapshot of the circle."""
    return train(tiny_config(), chain_dataset(), tmp_path_factory.mktemp("snapshots") / "root", activate=False)


def test_a_job_that_is_told_so_leaves_current_alone(outcome: TrainingOutcome) -> None:
    """The snapshot is there; nobody serves it until the gate has spoken."""
    assert outcome.folder.is_dir()
    assert not (outcome.folder.parent / "current").exists()


def test_a_published_snapshot_is_as_good_as_its_report_says(outcome: TrainingOutcome) -> None:
    """The files alone, through ONNX Runtime, give the test metrics that the job computed with torch."""
    questions = LastEvents.of(chain_dataset(), most=USERS, seed=0)

    ranks = questions.ranks(PublishedFunnel(outcome.folder, candidates=500, threads=1))

    told = outcome.report.quality["test"]["ranked"]
    verdict = compare(ranks, ranks, max_loss=0.0)
    assert verdict.questions == USERS
    assert verdict.new == pytest.approx(told["ndcg@10"], abs=1e-6)
    assert verdict.hit_rates[0] == pytest.approx(told["hr@10"], abs=1e-6)
    assert verdict.new > 0.5


def test_a_target_that_a_snapshot_does_not_have_is_missed(outcome: TrainingOutcome) -> None:
    """An item that came after a snapshot counts against it, and breaks nothing."""
    funnel = PublishedFunnel(outcome.folder, candidates=500, threads=1)

    ranks = LastEvents([["3", "4", "nobody knows this one"]], ["nor this one"], [{}]).ranks(funnel)

    assert ranks.tolist() == [NOWHERE]


def test_what_a_snapshot_does_not_have_is_left_out_of_a_history(outcome: TrainingOutcome) -> None:
    """The rest of the history says what it says without it."""
    funnel = PublishedFunnel(outcome.folder, candidates=500, threads=1)

    with_stranger = LastEvents([["3", "nobody knows this one", "4"]], ["5"], [{}]).ranks(funnel)
    without = LastEvents([["3", "4"]], ["5"], [{}]).ranks(funnel)

    assert with_stranger.tolist() == without.tolist()


def test_the_gate_weighs_what_is_lost() -> None:
    """Hand-worked: ranks 1 and 3 give NDCG@10 of 1 and 1/log2(4) = 0.5, a miss 0."""
    current, new = np.tile([1, 3, 1, 3], 50), np.tile([1, 3, 1, NOWHERE], 50)

    verdict = compare(new, current, max_loss=0.1)

    assert verdict.current == pytest.approx(0.75)
    assert verdict.new == pytest.approx(0.625)
    assert verdict.gain.mean == pytest.approx(-0.125)
    assert verdict.hit_rates == (0.75, 1.0)
    assert not verdict.passed
    assert compare(new, current, max_loss=0.2).passed


def test_noise_keeps_nothing_back() -> None:
    """One question in four went the other way: the interval of so few has no loss in it that is sure."""
    assert compare(np.array([1, 3, 1, NOWHERE]), np.array([1, 3, 1, 3]), max_loss=0.1).passed


def test_what_was_recommended_is_not_asked_about() -> None:
    """The current snapshot ranks what it showed high: on that it would win against any other."""
    dataset = chain_dataset()
    last = {user.id: dataset.items[dataset.histories().items_of(row)[-1]].id for row, user in enumerate(dataset.users)}
    shown = {(user, item) for user, item in last.items() if int(user) < 100}

    questions = LastEvents.of(dataset, most=USERS, seed=0, shown=shown)

    assert list(questions.targets) == [last[str(user)] for user in range(100, USERS)]


def test_a_snapshot_of_noise_does_not_pass(outcome: TrainingOutcome, tmp_path: Path) -> None:
    """Trained on people who walk anywhere, it loses against the current one on those who walk around the circle."""
    noise = train(tiny_config(), chain_dataset(noise=1.0), tmp_path, activate=False)
    questions = LastEvents.of(chain_dataset(), most=USERS, seed=0)
    ranks = [questions.ranks(PublishedFunnel(one.folder, 500, threads=1)) for one in (noise, outcome)]

    assert not compare(ranks[0], ranks[1], max_loss=0.05).passed
    assert compare(ranks[1], ranks[0], max_loss=0.05).passed


def test_fewer_people_are_asked_about_when_that_is_wanted() -> None:
    """The same ones for the same seed."""
    first, again = (LastEvents.of(chain_dataset(), most=10, seed=3) for _ in range(2))

    assert len(first.targets) == 10
    assert first == again
