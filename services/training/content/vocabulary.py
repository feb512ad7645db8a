"""Words as numbers, in the order in which they were written."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Self

import numpy as np
import numpy.typing as npt

#: Stands where a document has ended.
NO_WORD = 0

_WORD = re.compile(r"\w\w+")


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The words that a model knows; the word in place p of `terms` has the number p + 1.

    Attributes:
        terms: Distinct words in lower case.
    """

    terms: Sequence[str]
    _numbers: dict[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_numbers", {term: number for number, term in enumerate(self.terms, start=1)})

    @classmethod
    def of(cls, documents: Iterable[str], max_terms: int) -> Self:
        """Takes the most frequent words that stand in at least two documents: a word of one tells nothing of another."""
        counts = Counter(chain.from_iterable(set(words(document)) for document in documents))
        frequent = sorted((term for term, count in counts.items() if count > 1), key=lambda term: (-counts[term], term))
        return cls(frequent[:max_terms])

    def numbers(self, documents: Sequence[str], length: int) -> npt.NDArray[np.int64]:
        """Returns the first words of each document that are known, and `NO_WORD` after them: int64 [documents, length]."""
        rows = np.full((len(documents), length), NO_WORD, dtype=np.int64)
        for row, document in zip(rows, documents, strict=True):
            known = [self._numbers[word] for word in words(document) if word in self._numbers][:length]
            row[: len(known)] = known
        return rows


def words(document: str) -> list[str]:
    """Returns the words of a document in lower case, in their order; a single letter is none."""
    return _WORD.findall(document.lower())
