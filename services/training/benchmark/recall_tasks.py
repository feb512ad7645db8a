"""How each recall protocol cuts a data set into what is learned from and what is asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from services.training.benchmark.candidate_lists import read_candidates
from services.training.benchmark.questions import AmongCandidates, ManyRelevant, NextItem, Questions
from services.training.datasets import (
    Dataset,
    DatasetError,
    Interactions,
    Sequences,
    Split,
    leave_last_out,
    load_dataset,
    sample_unmet,
    split_by_time,
)
from services.training.datasets.item_sets import ItemSetsLoader, read_fixed_split
from services.training.queries import NextItemQueries

# Where events have to be taken from training to know when to stop, few are: models then learn from nearly all.
_MOST_TAKEN = 3_000
_MOST_VALIDATION = 10_000
_NEGATIVES = 99
TIME_FOLDS = 5


@dataclass(frozen=True, slots=True, eq=False)
class RecallTask:
    """A data set, cut.

    Attributes:
        dataset: Items that were met at least once, and everybody; its interactions are those of all parts.
        fit: What models learn from.
        validation: What decides when to stop; no event of it is in `fit`.
        questions: The test.
    """

    dataset: Dataset
    fit: Sequences
    validation: NextItemQueries
    questions: Questions


def next_item(folder: Path, seed: int) -> RecallTask:
    """The last event of each user is the test, the one before it validation (Kang & McAuley, ICDM 2018)."""
    dataset = met_items_only(load_dataset(folder))
    test = leave_last_out(dataset.histories())
    validation = leave_last_out(test.train)
    asked = NextItemQueries.from_split(test)
    return _task(
        dataset,
        validation.train,
        NextItemQueries.from_split(validation).sample(_MOST_VALIDATION, seed),
        NextItem(asked.users, asked.histories, asked.targets),
        folder,
    )


def ncf(folder: Path, seed: int) -> RecallTask:
    """Each positive of `ncf_test.txt` against the 99 negatives of its line (He et al., WWW 2017)."""
    dataset = met_items_only(load_dataset(folder))
    asked = read_candidates(folder / "ncf_test.txt", dataset)
    events = dataset.histories()
    positive_of = np.full(events.num_users, -2, dtype=np.int64)
    positive_of[asked.users] = asked.candidates[:, 0]
    train = events.where(events.items != positive_of[events.users])
    fit, validation = _take_some(train, seed)
    histories = tuple(train.items_of(user) for user in asked.users.tolist())
    return _task(dataset, fit, validation, AmongCandidates(asked.users, histories, asked.candidates), folder)


def sampled_negatives(folder: Path, seed: int) -> RecallTask:
    """As `ncf`, for any data set: the last event of each user against 99 unmet items that the seed draws."""
    dataset = met_items_only(load_dataset(folder))
    events = dataset.histories()
    test = leave_last_out(events)
    asked = NextItemQueries.from_split(test)
    try:
        negatives = sample_unmet(events, len(dataset.items), _NEGATIVES, seed)[asked.users]
    except ValueError as error:
        raise DatasetError(str(error), remedy="Bring a larger catalogue, or choose next-item.", path=folder) from error
    candidates = np.column_stack([asked.targets, negatives])
    fit, validation = _take_some(test.train, seed)
    return _task(dataset, fit, validation, AmongCandidates(asked.users, asked.histories, candidates), folder)


def top_n(folder: Path, seed: int) -> RecallTask:
    """All items of `test.txt` are relevant; models learn from `train.txt` and `valid.txt` (Wang et al., SIGIR 2019)."""
    missing = [name for name in ItemSetsLoader.required_files if not (folder / name).is_file()]
    if missing:
        raise DatasetError(
            f"the folder lacks {' and '.join(missing)}",
            remedy="Bring train.txt and test.txt (and valid.txt where there is one): a line for each user, `user item item ...`.",
            path=folder,
        )
    read = read_fixed_split(folder)
    return _many_relevant(read.dataset, read.split, folder, seed)


def time_split(folder: Path, seed: int) -> RecallTask:
    """The newest fifth of all events is the test; everything in it that a user had not met before is relevant."""
    dataset = _timed(folder)
    return _many_relevant(dataset, split_by_time(dataset.histories()), folder, seed)


def time_folds(folder: Path, seed: int) -> tuple[RecallTask, ...]:
    """Each of the newest five sixths of all events is asked of models that learned from all before it, oldest first.

    Cross-validation that keeps the order of time, also called forward chaining or a rolling origin (Tashman, International
    Journal of Forecasting 2000). Events of one moment stay together.
    """
    dataset = _timed(folder)
    events = dataset.histories()
    times = np.sort(events.timestamps)
    begins = [int(times[len(times) * fold // (TIME_FOLDS + 1)]) for fold in range(1, TIME_FOLDS + 1)]
    splits = [
        Split(
            events.where(events.timestamps < begin),
            events.where((events.timestamps >= begin) & (events.timestamps < end)),
        )
        for begin, end in pairwise([*begins, int(times[-1]) + 1])
    ]
    return tuple(_many_relevant(dataset, split, folder, seed) for split in splits)


def _timed(folder: Path) -> Dataset:
    dataset = met_items_only(load_dataset(folder))
    if not dataset.interactions.timed:
        raise DatasetError(
            "the events have no times, so nobody can say which of two users came first",
            remedy="Choose next-item, which needs only each user's own order, or bring events with timestamps.",
            path=folder,
        )
    return dataset


def _many_relevant(dataset: Dataset, split: Split, folder: Path, seed: int) -> RecallTask:
    users: list[int] = []
    histories: list[npt.NDArray[np.int32]] = []
    relevant: list[npt.NDArray[np.int32]] = []
    for user, held_out in enumerate(split.held_out):
        known = split.train.items_of(user)
        new = np.setdiff1d(held_out, known).astype(np.int32)
        if len(new):
            users.append(user)
            histories.append(known)
            relevant.append(new)
    fit, validation = _take_some(split.train, seed)
    questions = ManyRelevant(np.asarray(users, dtype=np.int64), tuple(histories), tuple(relevant))
    return _task(dataset, fit, validation, questions, folder)


def _take_some(train: Sequences, seed: int) -> tuple[Sequences, NextItemQueries]:
    """Takes the last event of some users out of training, to decide when to stop."""
    queries = NextItemQueries.from_split(leave_last_out(train))
    chosen = queries.sample(min(_MOST_TAKEN, max(1, len(queries) // 4)), seed)
    keep = np.ones(len(train.items), dtype=np.bool_)
    keep[train.offsets[chosen.users + 1] - 1] = False
    return train.where(keep), chosen


def met_items_only(dataset: Dataset) -> Dataset:
    """The same without items that nobody ever met: published catalogues do not count them."""
    met: npt.NDArray[np.bool_] = np.zeros(len(dataset.items), dtype=np.bool_)
    met[dataset.interactions.items] = True
    if met.all():
        return dataset
    rows = np.cumsum(met, dtype=np.int32) - 1
    interactions: Interactions = replace(dataset.interactions, items=rows[dataset.interactions.items].astype(np.int32))
    items = tuple(item for item, keep in zip(dataset.items, met.tolist(), strict=True) if keep)
    return replace(dataset, items=items, interactions=interactions)


def _task(
    dataset: Dataset, fit: Sequences, validation: NextItemQueries, questions: Questions, folder: Path
) -> RecallTask:
    if not (len(fit.items) and len(validation) and len(questions.users)):
        raise DatasetError(
            "training, validation or test would be empty",
            remedy="Bring users with at least three events each.",
            path=folder,
        )
    return RecallTask(dataset, fit, validation, questions)
