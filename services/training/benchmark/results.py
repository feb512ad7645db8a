"""Measured cells, kept in a file from which tables are made."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from services.training.benchmark.machine import machine
from services.training.benchmark.protocol import Cost, DataSize, Outcome, Refused, Request
from services.training.benchmark.published import data_set_of
from services.training.metrics import Interval


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One model on one data set by one protocol.

    Attributes:
        protocol: Which.
        data_set: The published data set whose size it has, or else what its loader calls it.
        is_published: Whether it has the size of that published data set.
        model: Which.
        settings: Those that were given.
        seed: Of every random choice.
        max_history: How many items of a history the model was shown; None for all.
        date: Of the measurement, in UTC.
        size: Of the data.
        configuration: Every setting of the model.
        queries: How many test queries there were.
        metrics: By name, with the 95 % bootstrap interval.
        cost: What the model takes.
        beyond: What the lists are like apart from being right.
        slices: The protocol's last metric for parts of the queries.
        curve: The validation NDCG@10 after each epoch.
        machine: What it was measured on and with.
    """

    protocol: str
    data_set: str
    is_published: bool
    model: str
    settings: dict[str, object]
    seed: int
    max_history: int | None
    date: str
    size: DataSize
    configuration: dict[str, object]
    queries: int
    metrics: dict[str, Interval]
    cost: Cost
    beyond: dict[str, float]
    slices: dict[str, Interval]
    curve: tuple[float, ...]
    machine: dict[str, str | int]

    @classmethod
    def of(cls, protocol: str, request: Request, outcome: Outcome) -> Cell:
        """Returns what a run found, with its circumstances."""
        published = data_set_of(outcome.size)
        return cls(
            protocol=protocol,
            data_set=published or outcome.size.name,
            is_published=published is not None,
            model=request.model,
            settings=dict(request.settings),
            seed=request.seed,
            max_history=request.max_history,
            date=datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
            size=outcome.size,
            configuration=dict(outcome.configuration),
            queries=outcome.queries,
            metrics=_rounded(outcome.metrics),
            cost=outcome.cost,
            beyond={name: _round(value) for name, value in outcome.beyond.items()},
            slices=_rounded(outcome.slices),
            curve=tuple(_round(value) for value in outcome.curve),
            machine=machine(request.threads),
        )

    def key(self) -> tuple[str, ...]:
        """Returns what makes it this cell and no other; a newer measurement of the same replaces it."""
        settings = msgspec.json.encode(self.settings, order="sorted").decode()
        return (self.protocol, self.data_set, self.model, settings, f"{self.seed:020}", str(self.max_history))


def read_cells(path: Path) -> list[Cell]:
    """Reads a file of results.

    Raises:
        Refused: it cannot be read, or is not such a file.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Cell])
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise Refused(f"{path} is not a file of benchmark results ({error}); name another one") from error


def add_cell(path: Path, cell: Cell) -> None:
    """Adds a cell to a file of results, which need not be there yet; one that was measured before is replaced.

    The file is written beside and moved into its place, so that nothing is lost when the machine stops.

    Raises:
        Refused: the file is not one of results, or cannot be written.
    """
    cells: Sequence[Cell] = read_cells(path) if path.exists() else []
    kept = sorted([one for one in cells if one.key() != cell.key()] + [cell], key=Cell.key)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(msgspec.json.format(msgspec.json.encode(kept), indent=2) + b"\n")
        beside.replace(path)
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}") from error


def _rounded(intervals: Mapping[str, Interval]) -> dict[str, Interval]:
    return {name: Interval(_round(one.low), _round(one.mean), _round(one.high)) for name, one in intervals.items()}


def _round(value: float) -> float:
    """Six digits after the point: more than any of these figures means, and few enough to read."""
    return round(value, 6)
