"""How well items are found that a model was not fitted with, by what they are alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from services.training.benchmark.cold_split import ColdQuestions, ColdSplit
from services.training.datasets import Dataset
from services.training.metrics import Interval, bootstrap_interval, history_mask, hit_rate, rank_of_target, top_k
from services.training.queries import NextItemQueries
from services.training.recall.model import FitContext, RecallData, Unsuitable
from services.training.recall.multimodal.placing import ContentRecallModel
from services.training.sequence.windows import pad_histories

_QUERIES_AT_A_TIME = 256

Fit = Callable[[RecallData, FitContext], ContentRecallModel]
"""Fits a model that can place items; its family with a configuration."""

Scorer = Callable[[NextItemQueries], npt.NDArray[np.float32]]
"""Gives a score to every item, known ones first, then cold ones: float32 [queries, items]."""

POPULARITY = "popularity"
RANDOM = "random"
BASELINES = (POPULARITY, RANDOM)


@dataclass(frozen=True, slots=True)
class ColdItemRow:
    """What was found of one model: HR@k, each the mean over people of the share of their questions that were answered.

    Attributes:
        model: Its name in the report.
        cold: Cold items among all candidates.
        cold_alone: Cold items among cold candidates.
        known: Known items among all candidates: what cold items cost them.
        places: Share of the first k of all candidates that cold items take, for the questions about cold items.
        seconds: To fit.
    """

    model: str
    cold: Interval
    cold_alone: Interval
    known: Interval
    places: float
    seconds: float


@dataclass(frozen=True, slots=True)
class ColdItemReport:
    """A comparison of models on one cut of one data set.

    Attributes:
        dataset: Its name.
        seed: Of the choice of cold items, and of the fits.
        known_items: How many items the models were fitted with.
        cold_items: How many were taken out.
        cold_questions: Asked about cold items.
        known_questions: Asked about known ones.
        cold_people: Who the questions about cold items are asked for.
        k: Length of the lists.
        rows: A model each; popularity and chance first.
        unsuitable: Why other models could not be fitted, by name.
    """

    dataset: str
    seed: int
    known_items: int
    cold_items: int
    cold_questions: int
    known_questions: int
    cold_people: int
    k: int
    rows: tuple[ColdItemRow, ...]
    unsuitable: Mapping[str, str]


def cold_item_report(
    dataset: Dataset,
    models: Mapping[str, Fit],
    context: FitContext,
    *,
    share: float = 0.15,
    k: int = 50,
    most_questions: int = 10_000,
) -> ColdItemReport:
    """Takes items out of training, fits models on the others, and asks for what people took later.

    Candidates are all items, or cold items alone, that the person has not met. Popularity counts training events: all cold
    items have none, and items of equal counts stand in random order, another for each question. Chance scores at random.
    A model that is `Unsuitable` for the data is left out, and named.

    Args:
        dataset: Everything.
        models: How to fit each model, by the name that the report calls it.
        context: The circumstances of the fits; its seed also chooses the cold items.
        share: Of the items that anybody met, to take out.
        k: Length of the lists.
        most_questions: About cold items, and as many about known ones; a sample of the questions there are.

    Raises:
        DatasetError: there are no questions about cold items, or none about known ones.
    """
    test = ColdItemTest.of(dataset, context.seed, share=share, k=k, most_questions=most_questions)
    split = test.split
    rows = [test.baseline(name) for name in BASELINES]
    unsuitable = {}
    for name, fit in models.items():
        started = time.perf_counter()
        try:
            model = fit(split.data, context)
        except Unsuitable as why:
            unsuitable[name] = str(why)
            continue
        rows.append(test.judge(name, model, context.max_history, time.perf_counter() - started))
    return ColdItemReport(
        dataset=dataset.name,
        seed=context.seed,
        known_items=len(split.data.items),
        cold_items=len(split.cold),
        cold_questions=len(test.cold),
        known_questions=len(test.known),
        cold_people=len(np.unique(test.cold.queries.users)),
        k=k,
        rows=tuple(rows),
        unsuitable=unsuitable,
    )


def _baselines(split: ColdSplit, seed: int) -> dict[str, Scorer]:
    items = len(split.data.items) + len(split.cold)
    counts = np.bincount(split.data.events.items, minlength=items).astype(np.float32)
    rng = np.random.default_rng(seed)

    def chance(queries: NextItemQueries) -> npt.NDArray[np.float32]:
        return rng.random((len(queries), items), dtype=np.float32)

    # Counts are whole numbers: less than 1 orders ties and nothing else.
    return {POPULARITY: lambda queries: counts + 0.5 * chance(queries), RANDOM: chance}


def _scorer(model: ContentRecallModel, split: ColdSplit, max_history: int) -> Scorer:
    vectors = np.concatenate([model.item_vectors, model.place(split.cold)]).T

    def score(queries: NextItemQueries) -> npt.NDArray[np.float32]:
        history = torch.as_tensor(pad_histories(queries.histories, max_history))
        nobody = torch.zeros(len(queries), split.data.user_features.shape[1])
        with torch.inference_mode():
            return np.asarray(model.encoder(history, nobody).numpy() @ vectors)

    return score


@dataclass(frozen=True, slots=True, eq=False)
class ColdItemTest:
    """What every model is asked about one cut of one data set.

    Attributes:
        split: The cut: models are fitted with its `data`.
        cold: Questions about cold items.
        known: Questions about known ones.
        k: Length of the lists.
        seed: Of the cut, of the choice of questions and of chance.
    """

    split: ColdSplit
    cold: ColdQuestions
    known: ColdQuestions
    k: int
    seed: int

    @classmethod
    def of(
        cls, dataset: Dataset, seed: int, *, share: float = 0.15, k: int = 50, most_questions: int = 10_000
    ) -> ColdItemTest:
        """Cuts a data set; `cold_item_report` says what the arguments are.

        Raises:
            DatasetError: there are no questions about cold items, or none about known ones.
        """
        split = ColdSplit.of(dataset, share, seed)
        cold = split.questions.where(split.about_cold).sample(most_questions, seed)
        known = split.questions.where(~split.about_cold).sample(most_questions, seed)
        return cls(split, cold, known, k, seed)

    def baseline(self, name: str) -> ColdItemRow:
        """Judges one of `BASELINES`."""
        return self._row(name, _baselines(self.split, self.seed)[name], 0.0)

    def judge(self, name: str, model: ContentRecallModel, max_history: int, seconds: float = 0.0) -> ColdItemRow:
        """Places the cold items and asks everything.

        Args:
            name: Of the row.
            model: Fitted with the split's `data`.
            max_history: How many of the newest items of a history the encoder is shown.
            seconds: That it took to fit.
        """
        return self._row(name, _scorer(model, self.split, max_history), seconds)

    def _row(self, model: str, score: Scorer, seconds: float) -> ColdItemRow:
        first_cold = len(self.split.data.items)
        among_all, among_cold, taken = _ranks(score, self.cold, first_cold, self.k)
        known_among_all, _, _ = _ranks(score, self.known, first_cold, self.k)
        return ColdItemRow(
            model,
            _per_person(self.cold, hit_rate(among_all, self.k)),
            _per_person(self.cold, hit_rate(among_cold, self.k)),
            _per_person(self.known, hit_rate(known_among_all, self.k)),
            float(taken.mean()),
            seconds,
        )


def _ranks(
    score: Scorer, questions: ColdQuestions, first_cold: int, k: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """The rank of each answer among all items and among cold ones, and the share of cold ones in the first k of all."""
    parts = []
    for start in range(0, len(questions), _QUERIES_AT_A_TIME):
        rows = np.arange(start, min(start + _QUERIES_AT_A_TIME, len(questions)))
        part = questions.queries.take(rows)
        scores = score(part)
        met = history_mask([questions.met[row] for row in rows.tolist()], scores.shape[1])
        is_known = np.arange(scores.shape[1]) < first_cold
        parts.append(
            (
                rank_of_target(scores, part.targets, met),
                rank_of_target(scores, part.targets, met | is_known),
                (top_k(scores, k, met) >= first_cold).mean(axis=1),
            )
        )
    among_all, among_cold, taken = (np.concatenate(column) for column in zip(*parts, strict=True))
    return among_all, among_cold, taken


def _per_person(questions: ColdQuestions, hits: npt.NDArray[np.float64]) -> Interval:
    """The mean over people, and its interval: questions of one person are too much alike to be resampled one by one."""
    _, person = np.unique(questions.queries.users, return_inverse=True)
    return bootstrap_interval(np.bincount(person, weights=hits) / np.bincount(person))
