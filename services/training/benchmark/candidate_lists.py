"""Published test lists: for each user one positive and what to rank it against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from services.training.benchmark.questions import UNKNOWN_ITEM
from services.training.datasets import Dataset, DatasetError
from services.training.datasets.entity_rows import row_of, rows_by_id
from services.training.datasets.item_lists import read_item_lists


@dataclass(frozen=True, slots=True, eq=False)
class CandidateLists:
    """What each user is asked.

    Attributes:
        users: int64 [queries], rows of users.
        candidates: int64 [queries, candidates] item rows, the positive first; `UNKNOWN_ITEM` for ids that the data set does
            not have, films too rare to have been kept, and in the place of an item that stands in the line before.
    """

    users: npt.NDArray[np.int64]
    candidates: npt.NDArray[np.int64]


def read_candidates(path: Path, dataset: Dataset) -> CandidateLists:
    """Reads lines `user positive negative negative ...`, all of the same length.

    Some published lines hold a negative twice; it counts once, as in the evaluation that they were published with.

    Raises:
        DatasetError: the file is missing or empty, a user is unknown or stands twice, or lines differ in length.
    """
    if not path.is_file():
        raise DatasetError(
            f"the folder lacks {path.name}",
            remedy=f"Bring {path.name}: a line for each user, `user positive negative negative ...`; or choose "
            "sampled-negatives, which draws them.",
            path=path.parent,
        )
    lists = read_item_lists(path)
    if not lists:
        raise DatasetError("the file is empty", remedy="Restore the original file.", path=path)
    user_rows, item_rows = rows_by_id(dataset.users), rows_by_id(dataset.items)
    width = len(lists[0].items)
    for one in lists:
        if len(one.items) != width or width < 2:
            raise DatasetError(
                f"the line has {len(one.items)} items, but the first line has {width}",
                remedy="Write a positive and equally many negatives, at least one, in every line.",
                path=path,
                line=one.line,
            )
    users = [
        row_of(user_rows, one.user, kind="user", listed_in="the data set", path=path, line=one.line) for one in lists
    ]
    candidates = [_rows_once(one.items, item_rows) for one in lists]
    return CandidateLists(np.asarray(users, dtype=np.int64), np.asarray(candidates, dtype=np.int64))


def _rows_once(ids: Sequence[str], rows: Mapping[str, int]) -> list[int]:
    places = {item: place for place, item in reversed(list(enumerate(ids)))}
    return [rows.get(item, UNKNOWN_ITEM) if places[item] == place else UNKNOWN_ITEM for place, item in enumerate(ids)]
