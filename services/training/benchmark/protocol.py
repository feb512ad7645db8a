"""What every protocol is asked and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from services.training.metrics import Interval
from services.training.progress import ProgressDisplay


class Refused(ValueError):
    """A run that cannot be: an unknown model or setting, or a model that the data do not suit. Says what to do instead."""


@dataclass(frozen=True, slots=True)
class Request:
    """One cell to be measured.

    Attributes:
        folder: The data set, in the form that the protocol reads.
        model: Its name among the protocol's models.
        settings: Of the model, by name; the others keep their defaults.
        seed: Of every random choice.
        threads: For arithmetic, at least 1.
        max_history: How many of the newest items of a history the model is shown; None for all.
        display: Follows the work.
    """

    folder: Path
    model: str
    settings: Mapping[str, object]
    seed: int
    threads: int
    max_history: int | None
    display: ProgressDisplay


@dataclass(frozen=True, slots=True)
class DataSize:
    """What a data set is called and how large it is.

    Attributes:
        name: As its loader calls it.
        users: People.
        items: Of the catalogue that is ranked.
        events: Of all parts together.
    """

    name: str
    users: int
    items: int
    events: int


@dataclass(frozen=True, slots=True)
class Cost:
    """What a model takes.

    Attributes:
        fit_seconds: Wall time to fit it, without reading the data.
        evaluate_seconds: To answer and judge all test queries.
        bytes_per_item: All its numbers, those of the encoder too, over the number of items; None where it has no items.
        dimension: Of a query and of an item's vector; None where it has none.
        query_ms: Median milliseconds from one history to the scores of all items, exactly and on one thread; None where
            nothing is ranked.
        fit_cpu_seconds: Processor time of the same fit, of all threads together: what a busy machine does not lengthen.
            None where it was not taken.
    """

    fit_seconds: float
    evaluate_seconds: float
    bytes_per_item: float | None = None
    dimension: int | None = None
    query_ms: float | None = None
    fit_cpu_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run found.

    Attributes:
        size: Of the data.
        configuration: Every setting of the model.
        queries: How many test queries there were.
        metrics: By name, such as `ndcg@10`, with the 95 % bootstrap interval.
        beyond: What the lists are like apart from being right, by name; empty where no lists are made.
        slices: By slice, the interval of the protocol's last metric.
        cost: What the model takes.
        curve: The validation NDCG@10 after each epoch; empty for what is solved in closed form.
    """

    size: DataSize
    configuration: Mapping[str, object]
    queries: int
    metrics: Mapping[str, Interval]
    cost: Cost
    beyond: Mapping[str, float] = field(default_factory=dict)
    slices: Mapping[str, Interval] = field(default_factory=dict)
    curve: tuple[float, ...] = ()


class BenchmarkProtocol(Protocol):
    """A published way to split data and to judge models on it."""

    @property
    def name(self) -> str:
        """What commands call it."""

    @property
    def summary(self) -> str:
        """How it splits and judges, in a line."""

    @property
    def files(self) -> str:
        """What a folder must hold for it, in words."""

    def models(self) -> Mapping[str, str]:
        """Returns the models that it can judge: a line about each, by name."""

    def run(self, request: Request) -> Outcome:
        """Fits a model on the training part and judges it on the test part; tunes nothing.

        Raises:
            DatasetError: the folder lacks a file, or a file is not as it should be.
            Refused: there is no such model or setting, or the model does not suit the data.
        """
