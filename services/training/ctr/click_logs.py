"""Click-through logs of categorical columns, in the form in which Frappe is published (Baltrunas et al., 2015)."""

from __future__ import annotations

import csv
from collections.abc import Mapping
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

SPLITS = ("train", "valid", "test")
USER = "user"
_LABEL, _ITEM = "label", "item"
_REMEDY = (
    "Bring train.csv, valid.csv and test.csv with the same header: label (0 or 1), item, and any other columns, "
    "whose values are taken for names."
)
Texts = npt.NDArray[np.str_]


@dataclass(frozen=True, slots=True, eq=False)
class ClickLogs:
    """Rows as ranking models see them: the item is the candidate, everything else an attribute of the user.

    What training never met is an unknown value of its field; an item that it never met is row 0, which no item is.

    Attributes:
        fields: Of the context, in the order of the files' columns; the user's id is one of them.
        items: Ids of the items, one for each row of the catalogue; row 0 is "".
        train: What is learned from.
        valid: What decides.
        test: What is reported.
        distinct: How many values each column has in all parts together.
    """

    fields: tuple[UserField, ...]
    items: tuple[str, ...]
    train: LabelledRows
    valid: LabelledRows
    test: LabelledRows
    distinct: Mapping[str, int]

    @property
    def shape(self) -> RankerShape:
        """What architectures must know of it; items have no features."""
        return RankerShape(len(self.items), self.fields, ())

    @property
    def item_features(self) -> torch.Tensor:
        """float32 [items, 0]."""
        return torch.zeros(len(self.items), 0)

    @property
    def people(self) -> int:
        """How many users there are in all parts together; 0 where no column says who."""
        return self.distinct.get(USER, 0)

    @property
    def candidates(self) -> int:
        """How many items there are in all parts together."""
        return self.distinct[_ITEM]

    def __len__(self) -> int:
        return len(self.train) + len(self.valid) + len(self.test)


def read_click_logs(folder: Path) -> ClickLogs:
    """Reads train.csv, valid.csv and test.csv: a header, then rows with a label 0 or 1 and names of values.

    Args:
        folder: Where the files are.

    Raises:
        DatasetError: a file is missing or is not such a file, or all its labels are the same.
    """
    tables = {split: _read(folder / f"{split}.csv") for split in SPLITS}
    header = tables["train"][0]
    for split in SPLITS:
        if tables[split][0] != header:
            raise DatasetError("the files have different columns", remedy=_REMEDY, path=folder / f"{split}.csv")
    columns = {name: place for place, name in enumerate(header)}
    rows = {split: table for split, (_, table) in tables.items()}
    values = {name: np.unique(rows["train"][:, place]) for name, place in columns.items() if name != _LABEL}
    items = values.pop(_ITEM)
    fields = tuple(UserField(name, "categorical", vocabulary=tuple(known.tolist())) for name, known in values.items())
    parts = {
        split: LabelledRows(
            _slots(len(table), [(known, table[:, columns[name]]) for name, known in values.items()], fields),
            # Nobody has a history here: what they took before is not in the files.
            torch.full((len(table), 1), PADDING),
            torch.as_tensor(_places(items, table[:, columns[_ITEM]])),
            torch.as_tensor((table[:, [columns[_LABEL]]] == "1").astype(np.float32)),
        )
        for split, table in rows.items()
    }
    distinct = {
        name: len(np.unique(np.concatenate([table[:, place] for table in rows.values()])))
        for name, place in columns.items()
    }
    return ClickLogs(fields, ("", *items.tolist()), **parts, distinct=distinct)


def _read(path: Path) -> tuple[tuple[str, ...], Texts]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            header, *lines = list(csv.reader(file)) or [[]]
        table = np.asarray(lines, dtype=np.str_)
    except (OSError, ValueError, csv.Error) as error:
        raise DatasetError(f"it cannot be read: {error}", remedy=_REMEDY, path=path) from error
    if not {_LABEL, _ITEM} <= set(header) or len(set(header)) < len(header):
        raise DatasetError("it lacks a column, or has one twice", remedy=_REMEDY, path=path)
    if table.shape != (len(lines), len(header)):
        raise DatasetError("it has no rows, or they have not as many values as the header", remedy=_REMEDY, path=path)
    labels = table[:, header.index(_LABEL)]
    wrong = np.flatnonzero((labels != "0") & (labels != "1"))
    if len(wrong):
        problem = f"the label is {str(labels[wrong[0]])!r}, not 0 or 1"
        raise DatasetError(problem, remedy=_REMEDY, path=path, line=int(wrong[0]) + 2)
    if (labels == labels[0]).all():
        raise DatasetError("all labels are the same: nothing can be told apart", remedy=_REMEDY, path=path)
    return tuple(header), table


def _places(values: Texts, column: Texts) -> npt.NDArray[np.int64]:
    """Place of each entry among the sorted values, from 1; 0 where it is not among them."""
    places = np.searchsorted(values, column).clip(max=len(values) - 1)
    return np.where(values[places] == column, places + 1, 0)


def _slots(rows: int, columns: list[tuple[Texts, Texts]], fields: tuple[UserField, ...]) -> UserSlots:
    """The user features that `UserFeatureTransform` would make of the attributes, without their zeros."""
    first, *starts = (part.start for part in field_columns(fields))
    found = [np.full(rows, first), *(_places(*column) + start for column, start in zip(columns, starts, strict=True))]
    return UserSlots(torch.as_tensor(np.stack(found, axis=1)), torch.ones(rows, len(found)))
