"""Which items have a category or attribute, and which categories an item has: arrays instead of Python objects."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from services.gateway.query import Condition
from shared.snapshot.catalogue import Catalogue

#: The field of a condition that means the categories.
CATEGORY = "category"


class CatalogueIndex:
    """Answers conditions with masks over all rows. Building it takes a pass over the catalogue: do it off the loop.

    Args:
        catalogue: The items.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._items = len(catalogue)
        pairs: dict[str, tuple[list[int], list[str]]] = {CATEGORY: ([], [])}
        for row, item in enumerate(catalogue):
            for category in dict.fromkeys(item.categories):
                pairs[CATEGORY][0].append(row)
                pairs[CATEGORY][1].append(category)
            for name, value in item.attributes.items():
                if name != CATEGORY:  # the field of that name means the categories
                    rows, values = pairs.setdefault(name, ([], []))
                    rows.append(row)
                    values.append(attribute_text(value))
        self._fields = {name: _Postings(rows, values) for name, (rows, values) in pairs.items()}
        self._categories = _RowValues(self._items, *pairs[CATEGORY])

    def matching(self, conditions: Iterable[Condition]) -> NDArray[np.bool_] | None:
        """Returns bool [items], True where every condition holds; None when there are no conditions."""
        mask: NDArray[np.bool_] | None = None
        for condition in conditions:
            holds = np.zeros(self._items, dtype=np.bool_)
            if (postings := self._fields.get(condition.field)) is not None:
                for value in condition.any_of:
                    holds[postings.rows_of(value)] = True
            if condition.exclude:
                np.logical_not(holds, out=holds)
            mask = holds if mask is None else mask & holds
        return mask

    def category_matrix(self, rows: NDArray[np.uint32]) -> NDArray[np.float32]:
        """Returns float32 [len(rows), categories among them], each row of length 1.

        The product of two rows is the cosine similarity of the items' categories. Items without a category share
        one of their own: otherwise they would look unlike everything, and a wish for variety would bring up nothing
        else.
        """
        owners, codes = self._categories.of(rows)
        local = np.unique(codes, return_inverse=True)[1]
        matrix = np.zeros((len(rows), int(local.max(initial=-1)) + 1), dtype=np.float32)
        matrix[owners, local] = 1.0
        matrix /= np.sqrt(matrix.sum(axis=1, keepdims=True))
        return matrix


def attribute_text(value: str | float) -> str:
    """Returns an attribute as conditions spell it: a number in its shortest decimal form, such as `7` or `0.5`."""
    return value if isinstance(value, str) else np.format_float_positional(value, trim="-")


class _Postings:
    """The rows that have each value of one field."""

    def __init__(self, rows: list[int], values: list[str]) -> None:
        codes, self._code_of = _encode(values)
        order = np.argsort(codes, kind="stable")
        self._rows = np.array(rows, dtype=np.uint32)[order]
        self._bounds = np.searchsorted(codes[order], np.arange(len(self._code_of) + 1))

    def rows_of(self, value: str) -> NDArray[np.uint32]:
        code = self._code_of.get(value)
        return self._rows[:0] if code is None else self._rows[self._bounds[code] : self._bounds[code + 1]]


class _RowValues:
    """The values, as codes, that each row has in one field; one code stands for none."""

    def __init__(self, items: int, rows: list[int], values: list[str]) -> None:
        codes, code_of = _encode(values)
        without = np.setdiff1d(np.arange(items), rows)
        all_rows = np.concatenate([np.array(rows, dtype=np.int64), without])
        order = np.argsort(all_rows, kind="stable")
        self._codes = np.concatenate([codes, np.full(len(without), len(code_of), dtype=np.int32)])[order]
        self._bounds = np.searchsorted(all_rows[order], np.arange(items + 1))

    def of(self, rows: NDArray[np.uint32]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Returns, for each value of each of `rows`, the position in `rows` and the code."""
        starts = self._bounds[rows]
        lengths = self._bounds[rows.astype(np.int64) + 1] - starts
        owners = np.repeat(np.arange(len(rows)), lengths)
        within = np.arange(len(owners)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return owners, self._codes[starts[owners] + within]


def _encode(values: list[str]) -> tuple[NDArray[np.int32], dict[str, int]]:
    code_of: dict[str, int] = {}
    return np.array([code_of.setdefault(value, len(code_of)) for value in values], dtype=np.int32), code_of
