"""From an item's words to the vector that the content channel's training gave items with such words.

Latent semantic analysis (Deerwester et al., JASIS 1990): a document is the weights of its terms, tf-idf with sublinear
term frequency, turned into few dimensions by the components of a singular value decomposition. Training fits vocabulary
and components; with them anybody can place an item that was not there yet, without the libraries that training needs.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

#: A projection this short is what rounding left of a document without a share in any of the components.
SHORTEST = 1e-6


def document(title: str, categories: Iterable[str], text: str) -> str:
    """Returns the words that stand for an item.

    A category is one term, whatever it is made of, and no word of the text can be mistaken for it.
    """
    terms = " ".join("category_" + "".join(filter(str.isalnum, category)) for category in categories)
    return f"{title} {terms} {text}"


def directions(projected: NDArray[np.floating]) -> NDArray[np.float32]:
    """Returns each row at length 1, and at 0 where nothing but rounding is left of it: float32 [documents, dimension]."""
    lengths = np.linalg.norm(projected, axis=1, keepdims=True)
    unit = np.divide(projected, lengths, out=np.zeros_like(projected), where=lengths > SHORTEST)
    return np.asarray(unit, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class WordProjection:
    """What training has learnt about words.

    Attributes:
        token_pattern: A regular expression; its matches in a document, in lower case and without accents, are its terms.
        terms: The vocabulary. What is not in it does not count: stop words, and what training never met.
        idf: float64 [terms], the inverse document frequencies.
        components: float32 [terms, dimension].
    """

    token_pattern: str
    terms: Sequence[str]
    idf: NDArray[np.float64]
    components: NDArray[np.float32]
    _rows: dict[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_rows", {term: row for row, term in enumerate(self.terms)})

    @property
    def dimension(self) -> int:
        """Length of the vectors."""
        return int(self.components.shape[1])

    def project(self, words: str) -> NDArray[np.float32]:
        """Returns where a document is: float32 [dimension], of length 1, or 0 where it has no known term.

        Args:
            words: From `document`.
        """
        counts = Counter(self._rows[term] for term in self._tokens(words) if term in self._rows)
        rows = np.fromiter(counts, dtype=np.int64, count=len(counts))
        weights = np.fromiter((1.0 + math.log(count) for count in counts.values()), np.float64, len(counts))
        weights *= self.idf[rows]
        if (length := float(np.linalg.norm(weights))) > 0.0:
            weights /= length
        projected = weights @ self.components[rows].astype(np.float64)
        return np.asarray(directions(projected[None])[0])

    def _tokens(self, words: str) -> list[str]:
        return re.findall(self.token_pattern, _without_accents(words.lower()))


def _without_accents(text: str) -> str:
    if text.isascii():
        return text
    return "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
