"""Frappe: which apps people used in which context (Baltrunas et al., 2015), as click-through labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from services.training.datasets import DatasetError
from services.training.ranking.labels import LabelledRows
from services.training.ranking.model import RankerShape
from services.training.ranking.user_slots import UserSlots, field_columns
from services.training.sequence.encoder import PADDING
from shared.features import UserField

_SPLITS = ("train", "valid", "test")
_LABEL, _ITEM = "label", "item"
_REMEDY = "Bring the folder with train.csv, valid.csv and test.csv of Frappe."


@dataclass(frozen=True, slots=True, eq=False)
class Frappe:
    """The data set as ranking models see it: the app is the candidate, everything else an attribute of the user.

    What training never met is an unknown value of its field; an app that it never met is row 0, which no app is.

    Attributes:
        fields: Of the context, in the order of the files' columns; the user's id is one of them.
        items: Ids of the apps, one for each row of the catalogue; row 0 is "".
        train: What is learned from.
        valid: What decides.
        test: What is reported.
    """

    fields: tuple[UserField, ...]
    items: tuple[str, ...]
    train: LabelledRows
    valid: LabelledRows
    test: LabelledRows

    @property
    def shape(self) -> RankerShape:
        """What architectures must know of it; apps have no features."""
        return RankerShape(len(self.items), self.fields, ())

    @property
    def item_features(self) -> torch.Tensor:
        """float32 [items, 0]."""
        return torch.zeros(len(self.items), 0)


def read_frappe(folder: Path) -> Frappe:
    """Reads train.csv, valid.csv and test.csv: a header, then a label 0 or 1 and whole numbers that name values.

    Args:
        folder: Where the files are.

    Raises:
        DatasetError: a file is missing or is not such a file.
    """
    tables = {split: _read(folder / f"{split}.csv") for split in _SPLITS}
    header = tables["train"][0]
    for split in _SPLITS:
        if tables[split][0] != header:
            raise DatasetError("the files have different columns", remedy=_REMEDY, path=folder / f"{split}.csv")
    learned = tables["train"][1]
    vocabularies = {name: np.unique(learned[:, place]) for place, name in enumerate(header) if name != _LABEL}
    apps = vocabularies.pop(_ITEM)
    fields = tuple(
        UserField(name, "categorical", vocabulary=tuple(str(value) for value in values.tolist()))
        for name, values in vocabularies.items()
    )
    columns = {name: place for place, name in enumerate(header)}
    parts = {
        split: LabelledRows(
            _slots([(values, rows[:, columns[name]]) for name, values in vocabularies.items()], fields),
            # Nobody has a history here: what they used before is not in the files.
            torch.full((len(rows), 1), PADDING),
            torch.as_tensor(_places(apps, rows[:, columns[_ITEM]])),
            torch.as_tensor(rows[:, [columns[_LABEL]]].astype(np.float32)),
        )
        for split, (_, rows) in tables.items()
    }
    return Frappe(fields, ("", *(str(app) for app in apps.tolist())), **parts)


def _read(path: Path) -> tuple[tuple[str, ...], npt.NDArray[np.int64]]:
    try:
        with path.open(encoding="utf-8") as file:
            header = tuple(file.readline().strip().split(","))
            lines = file.readlines()
        rows = (
            np.loadtxt(lines, dtype=np.int64, delimiter=",", ndmin=2) if lines else np.empty((0, len(header)), np.int64)
        )
    except (OSError, ValueError) as error:
        raise DatasetError(f"it cannot be read: {error}", remedy=_REMEDY, path=path) from error
    if not {_LABEL, _ITEM} <= set(header) or rows.shape[1] != len(header) or not len(rows):
        raise DatasetError("it lacks a column or has no rows", remedy=_REMEDY, path=path)
    return header, rows


def _places(values: npt.NDArray[np.int64], column: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Place of each entry among the sorted values, from 1; 0 where it is not among them."""
    places = np.searchsorted(values, column).clip(max=len(values) - 1)
    return np.where(values[places] == column, places + 1, 0)


def _slots(
    columns: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]], fields: tuple[UserField, ...]
) -> UserSlots:
    """The user features that `UserFeatureTransform` would make of the attributes, without their zeros."""
    first, *starts = (part.start for part in field_columns(fields))
    rows = len(columns[0][1])
    found = [np.full(rows, first), *(_places(*column) + start for column, start in zip(columns, starts, strict=True))]
    return UserSlots(torch.as_tensor(np.stack(found, axis=1)), torch.ones(rows, len(found)))
