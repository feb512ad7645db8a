"""Which items have a category or attribute, and which categories an item has: arrays instead of Python objects."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.gateway.query import Condition
from shared.snapshot.catalogue import CatalogueItem

#: The field of a condition that means the categories.
CATEGORY = "category"


class CatalogueIndex:
    """Answers conditions with masks over all rows. Building it takes a pass over the catalogue: do it off the loop.

    Args:
        items: The items in the order of their rows.
        vocabulary: The codes of categories that have one already; others are given the next.

    Attributes:
        items: How many rows there are.
        vocabulary: The code of each category.
    """

    def __init__(self, items: Iterable[CatalogueItem], vocabulary: Mapping[str, int] = MappingProxyType({})) -> None:
        categories = _Column(vocabulary)
        attributes: defaultdict[str, _Column] = defaultdict(_Column)
        row = -1
        for row, item in enumerate(items):
            for category in dict.fromkeys(item.categories):
                categories.add(row, category)
            for name, value in item.attributes.items():
                attributes[name].add(row, value)
        self.items = row + 1
        fields = attributes | {CATEGORY: categories}  # an attribute of that name cannot be asked for
        self._postings = {name: _Postings(column) for name, column in fields.items()}
        self._categories = _RowValues(self.items, categories)
        self.vocabulary: Mapping[str, int] = categories.code_of

    def matching(self, conditions: Iterable[Condition]) -> NDArray[np.bool_] | None:
        """Returns bool [items], True where every condition holds; None when there are no conditions."""
        mask: NDArray[np.bool_] | None = None
        for condition in conditions:
            holds = np.zeros(self.items, dtype=np.bool_)
            if (postings := self._postings.get(condition.field)) is not None:
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
        owners, codes = self.category_codes(rows)
        local = np.unique(codes, return_inverse=True)[1]
        matrix = np.zeros((len(rows), int(local.max(initial=-1)) + 1), dtype=np.float32)
        matrix[owners, local] = 1.0
        matrix /= np.sqrt(matrix.sum(axis=1, keepdims=True))
        return matrix

    def category_codes(self, rows: NDArray[np.uint32]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Returns, for each category of each of `rows`, the position in `rows` and the category's code; -1 is of none."""
        return self._categories.of(rows)


def attribute_text(value: str | float) -> str:
    """Returns an attribute as conditions spell it: a number in its shortest decimal form, such as `7` or `0.5`."""
    return value if isinstance(value, str) else np.format_float_positional(value, trim="-")


class _Column:
    """The values of one field as they are met: a row and the code of its value for each."""

    def __init__(self, vocabulary: Mapping[Any, int] = MappingProxyType({})) -> None:
        self.rows: list[int] = []
        self.codes: list[int] = []
        self.code_of: dict[Any, int] = dict(vocabulary)

    def add(self, row: int, value: str | float) -> None:
        self.rows.append(row)
        self.codes.append(self.code_of.setdefault(value, len(self.code_of)))


class _Postings:
    """The rows that have each value of one field, by the value's text."""

    def __init__(self, column: _Column) -> None:
        self._code_of: dict[str, list[int]] = {}
        for value, code in column.code_of.items():  # the number 7 and the text "7" read alike
            self._code_of.setdefault(attribute_text(value), []).append(code)
        codes = np.array(column.codes, dtype=np.int32)
        order = np.argsort(codes, kind="stable")
        self._rows = np.array(column.rows, dtype=np.uint32)[order]
        self._bounds = np.searchsorted(codes[order], np.arange(len(column.code_of) + 1))

    def rows_of(self, value: str) -> NDArray[np.uint32]:
        spans = [self._rows[self._bounds[code] : self._bounds[code + 1]] for code in self._code_of.get(value, ())]
        return np.concatenate([self._rows[:0], *spans])


class _RowValues:
    """The values, as codes, that each row has in one field; -1 stands for none."""

    def __init__(self, items: int, column: _Column) -> None:
        rows = np.array(column.rows, dtype=np.int64)
        without = np.setdiff1d(np.arange(items), rows)
        all_rows = np.concatenate([rows, without])
        order = np.argsort(all_rows, kind="stable")
        codes = np.array(column.codes, dtype=np.int32)
        self._codes = np.concatenate([codes, np.full(len(without), -1, dtype=np.int32)])[order]
        self._bounds = np.searchsorted(all_rows[order], np.arange(items + 1))

    def of(self, rows: NDArray[np.uint32]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Returns, for each value of each of `rows`, the position in `rows` and the code."""
        starts = self._bounds[rows]
        lengths = self._bounds[rows.astype(np.int64) + 1] - starts
        owners = np.repeat(np.arange(len(rows)), lengths)
        within = np.arange(len(owners)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return owners, self._codes[starts[owners] + within]
