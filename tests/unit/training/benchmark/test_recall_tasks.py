"""How protocols cut data."""

from pathlib import Path

import numpy as np
import pytest

from services.training.benchmark import recall_tasks
from services.training.benchmark.questions import UNKNOWN_ITEM, AmongCandidates, ManyRelevant, NextItem
from services.training.benchmark.recall_tasks import RecallTask
from services.training.datasets import DatasetError
from tests.unit.training.benchmark.folders import (
    periods_folder,
    sequences_folder,
    split_folder,
    timed_folder,
    with_ncf_test,
)


def pairs_learned(task: RecallTask) -> set[tuple[int, int]]:
    """Which user met which item, as models see it."""
    return set(zip(task.fit.users.tolist(), task.fit.items.tolist(), strict=True))


def pairs_validated(task: RecallTask) -> set[tuple[int, int]]:
    """What decides when to stop."""
    return set(zip(task.validation.users.tolist(), task.validation.targets.tolist(), strict=True))


def test_next_item_tests_the_last_and_validates_on_the_one_before(tmp_path: Path) -> None:
    """For every user; the question shows all but the last. Items that nobody met are not in the catalogue."""
    folder = sequences_folder(tmp_path)
    task = recall_tasks.next_item(folder, seed=0)
    assert isinstance(task.questions, NextItem)
    ids = [item.id for item in task.dataset.items]
    assert "135" not in ids
    for line, user in zip((folder / "sequences.txt").read_text().splitlines(), range(40), strict=True):
        _, *items = line.split()
        assert ids[task.questions.targets[user]] == items[-1]
        assert [ids[row] for row in task.questions.histories[user]] == items[:-1]
        assert ids[task.validation.targets[user]] == items[-2]
        assert [ids[row] for row in task.fit.items_of(user)] == items[:-2]


def test_ncf_learns_from_all_but_the_positives(tmp_path: Path) -> None:
    """A few newest events beside are taken to know when to stop, and the questions show those too."""
    task = recall_tasks.ncf(with_ncf_test(sequences_folder(tmp_path)), seed=0)
    assert isinstance(task.questions, AmongCandidates)
    positives = set(zip(task.questions.users.tolist(), task.questions.targets.tolist(), strict=True))
    assert not positives & (pairs_learned(task) | pairs_validated(task))
    assert not pairs_learned(task) & pairs_validated(task)
    assert len(task.validation) == 10
    everything = task.dataset.histories()
    # The second user's positive is unknown, so the whole sequence remains.
    assert len(task.fit.items) + len(task.validation) == len(everything.items) - 39
    assert len(task.questions.histories[1]) == everything.lengths[1]
    assert len(task.questions.histories[0]) == everything.lengths[0] - 1


def test_ids_that_the_data_lack_and_repeated_ones_are_no_candidates(tmp_path: Path) -> None:
    """They would be ranked by nothing, or twice."""
    task = recall_tasks.ncf(with_ncf_test(sequences_folder(tmp_path)), seed=0)
    assert isinstance(task.questions, AmongCandidates)
    first, second = task.questions.candidates[:2]
    assert (first == UNKNOWN_ITEM).tolist() == [False, False, True, False, True]
    assert (second == UNKNOWN_ITEM).tolist() == [True, False, True, False, True]


def test_drawn_negatives_were_never_met(tmp_path: Path) -> None:
    """And another seed draws others."""
    folder = sequences_folder(tmp_path)
    task, other = (recall_tasks.sampled_negatives(folder, seed).questions for seed in (0, 1))
    assert isinstance(task, AmongCandidates)
    assert isinstance(other, AmongCandidates)
    assert task.candidates.shape == (40, 100)
    for history, candidates in zip(task.histories, task.candidates, strict=True):
        assert len(set(candidates.tolist())) == 100
        assert not set(candidates.tolist()) & set(history.tolist())
    assert (task.candidates[:, 0] == other.candidates[:, 0]).all()
    assert (task.candidates[:, 1:] != other.candidates[:, 1:]).any()


def test_top_n_shows_training_and_validation_and_asks_for_the_test(tmp_path: Path) -> None:
    """As the files say; none of the test is learned."""
    task = recall_tasks.top_n(split_folder(tmp_path), seed=0)
    assert isinstance(task.questions, ManyRelevant)
    assert [len(history) for history in task.questions.histories] == [7] * 20
    assert [len(relevant) for relevant in task.questions.relevant] == [2] * 20
    test = {
        (user, item)
        for user, items in zip(task.questions.users.tolist(), task.questions.relevant, strict=True)
        for item in items.tolist()
    }
    assert not test & (pairs_learned(task) | pairs_validated(task))
    assert len(task.fit.items) + len(task.validation) == 20 * 7


def test_a_time_split_asks_for_what_came_after_a_moment(tmp_path: Path) -> None:
    """Of the two people who were still there, and only for what was new to them."""
    task = recall_tasks.time_split(timed_folder(tmp_path), seed=0)
    assert isinstance(task.questions, ManyRelevant)
    assert task.questions.users.tolist() == [3, 4]
    assert [items.tolist() for items in task.questions.relevant] == [[0, 1, 10, 11], [0, 1, 10, 11]]
    assert task.fit.timestamps.max() < 10_000_000


def test_time_folds_ask_for_each_period_after_all_before_it(tmp_path: Path) -> None:
    """Every pair but those of the first period is asked for once, by who knows only what was earlier."""
    tasks = recall_tasks.time_folds(periods_folder(tmp_path), seed=0)
    assert len(tasks) == 5
    for fold, task in enumerate(tasks, start=1):
        assert isinstance(task.questions, ManyRelevant)
        assert task.fit.timestamps.max() < 200_000 * fold
        assert len(task.fit.items) + len(task.validation) == 20 * fold
        assert task.questions.users.tolist() == list(range(10))
        for user, history, relevant in zip(range(10), task.questions.histories, task.questions.relevant, strict=True):
            assert history.tolist() == [(user + step) % 12 for step in range(2 * fold)]
            assert relevant.tolist() == sorted((user + step) % 12 for step in (2 * fold, 2 * fold + 1))


@pytest.mark.parametrize(
    ("cut", "problem"),
    [
        (recall_tasks.ncf, "the folder lacks ncf_test.txt.*choose sampled-negatives"),
        (recall_tasks.top_n, "the folder lacks train.txt and test.txt"),
        (recall_tasks.time_split, "the events have no times.*Choose next-item"),
        (recall_tasks.time_folds, "the events have no times.*Choose next-item"),
    ],
)
def test_a_folder_that_does_not_suit_is_told_what_it_lacks(tmp_path: Path, cut: object, problem: str) -> None:
    """And which protocol would do."""
    with pytest.raises(DatasetError, match=problem):
        cut(sequences_folder(tmp_path), 0)  # type: ignore[operator]


def test_lines_of_other_lengths_are_refused(tmp_path: Path) -> None:
    """Fewer negatives would be an easier test."""
    folder = with_ncf_test(sequences_folder(tmp_path))
    path = folder / "ncf_test.txt"
    path.write_text(path.read_text().replace("\n3 ", "\n3 7 ", 1))
    with pytest.raises(DatasetError, match=r"ncf_test.txt:3: the line has 6 items, but the first line has 5"):
        recall_tasks.ncf(folder, 0)


def test_too_few_events_to_cut_are_refused(tmp_path: Path) -> None:
    """Instead of a figure over nothing."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "sequences.txt").write_text("1 1 2\n2 2 1\n")
    (folder / "items.tsv").write_text("item\ttitle\n1\ta\n2\tb\n")
    with pytest.raises(DatasetError, match="training, validation or test would be empty"):
        recall_tasks.next_item(folder, 0)


def test_the_validation_draw_follows_the_seed(tmp_path: Path) -> None:
    """Equal seeds cut alike."""
    folder = split_folder(tmp_path)
    first, again, other = (recall_tasks.top_n(folder, seed).validation.users for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert first.tolist() != other.tolist()
