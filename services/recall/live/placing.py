"""Where an item that the snapshot does not have comes to lie in the space of each channel."""

from collections.abc import Mapping, Sequence

import numpy as np

from services.recall.channel import NO_ROWS, Floats, Found, Rows
from services.recall.live.changes import ItemChange
from services.recall.live.companions import Company
from services.recall.live.company_stand_ins import Popularity, accompanied
from services.recall.live.giving_way import give_way
from services.recall.live.lookup import MISSING
from services.recall.live.new_items import NewItems
from services.recall.vector_index import VectorIndex
from shared.tensors import Ragged
from shared.word_projection import WordProjection, document

#: Known items that stand in for a new one, chosen on films of MovieLens 100K held out beside those that
#: `tests.bench.cold_items` judges with: the mean of more scores is so near to everybody's mean that a new film hardly
#: comes among the first ten (5 stand-ins: a third of its share of the catalogue), the score of one so far from it that
#: new films crowd known ones out (1: three times its share, 3: its share).
STAND_INS = 3

#: Stand-ins are chosen among this many nearest by content; more made no difference there.
NEIGHBOURS = 50

#: What popularity is worth beside the cosine, from nothing for what nobody met to this for the most popular item. Words
#: tell little of who likes an item, and an obscure stand-in says that nobody does; without it a held-out film was among
#: the candidates in 46 % of the cases where it should have been, with it in 77 %.
POPULARITY_WEIGHT = 0.5

#: Enough to share the cost of a scan.
_SEARCHED_TOGETHER = 16


class Placer:
    """Places new items by their words, and in other channels by the known items with such words.

    Args:
        projection: From words to vectors of the content channel.
        content: Which of the channels that is.
        indexes: Of each channel of vectors.
        popularity: float32 [items], not below 0.
    """

    def __init__(
        self, projection: WordProjection, content: int, indexes: Sequence[VectorIndex], popularity: Floats
    ) -> None:
        self._projection = projection
        self._content = content
        self._indexes = indexes
        self._popularity = Popularity(popularity)
        self._prior = POPULARITY_WEIGHT * self._popularity.of_rows

    @property
    def nothing(self) -> NewItems:
        """No items, in the form of those that are placed here."""
        return NewItems.nothing(STAND_INS, [index.dimension for index in self._indexes])

    def place(self, changes: Sequence[ItemChange]) -> NewItems:
        """Returns the items that have a word in common with known ones; the others cannot be placed. Takes a search.

        Args:
            changes: Of items that are not withdrawn, no item twice.
        """
        ordered = sorted(changes, key=lambda change: change.number)
        vectors = [self._project(change) for change in ordered]
        somewhere = [place for place, vector in enumerate(vectors) if vector.any()]
        if not somewhere:
            return self.nothing
        rows, cosines = self._nearest(np.stack([vectors[place] for place in somewhere]))
        alike = np.flatnonzero(cosines[:, 0] > 0.0)
        stand_ins, weights = self._stand_ins(rows[alike], cosines[alike])
        placed = [somewhere[place] for place in alike.tolist()]
        return NewItems(
            np.array([ordered[place].number for place in placed], dtype=np.int64),
            stand_ins,
            tuple(
                np.array([vectors[place] for place in placed], dtype=np.float32).reshape(-1, index.dimension)
                if channel == self._content
                else _means(index, stand_ins, weights)
                for channel, index in enumerate(self._indexes)
            ),
        )

    def accompany(self, placed: NewItems, company: Mapping[int, Company]) -> NewItems:
        """Returns, of items that are placed, those whose company is known, placed by that too. Takes no search.

        Args:
            placed: By words alone.
            company: By number, rising; those of no placed item do no harm.
        """
        places = placed.places.get(np.fromiter(company, dtype=np.int64, count=len(company)))
        chosen = []
        for place, its in zip(places.tolist(), company.values(), strict=True):
            give_way()
            if place != MISSING:
                chosen.append((place, *accompanied(placed.stand_ins[place], its, self._popularity)))
        if not chosen:
            return self.nothing
        kept = np.array([place for place, _, _ in chosen], dtype=np.int64)
        stand_ins, weights = np.stack([rows for _, rows, _ in chosen]), np.stack([some for _, _, some in chosen])
        return NewItems(
            placed.numbers[kept],
            stand_ins,
            tuple(
                placed.vectors[channel][kept] if channel == self._content else _means(index, stand_ins, weights)
                for channel, index in enumerate(self._indexes)
            ),
        )

    def _project(self, change: ItemChange) -> Floats:
        give_way()
        return self._projection.project(document(change.title, change.categories, change.text))

    def _nearest(self, vectors: Floats) -> tuple[Rows, Floats]:
        """Returns rows and cosines of the nearest known items, by falling cosine: [vectors, at most NEIGHBOURS] each."""
        found: list[Found] = []
        for start in range(0, len(vectors), _SEARCHED_TOGETHER):
            give_way()
            some = vectors[start : start + _SEARCHED_TOGETHER]
            nothing = Ragged(NO_ROWS.astype(np.uint32), np.zeros(len(some) + 1, dtype=np.int64))
            # Exactly and by this thread alone: nobody waits for it, so it takes no other's time.
            found += self._indexes[self._content].exact(some, nothing, NEIGHBOURS)
        return np.stack([one.rows for one in found]), np.stack([one.scores for one in found])

    def _stand_ins(self, rows: Rows, cosines: Floats) -> tuple[Rows, Floats]:
        """Chooses stand-ins, the most alike first, and their weights, which sum up to 1: [items, STAND_INS] each."""
        fitting = np.where(cosines > 0.0, cosines + self._prior[rows], -np.inf)
        chosen = np.sort(np.argsort(-fitting, axis=1, kind="stable")[:, :STAND_INS], axis=1)
        rows, cosines = np.take_along_axis(rows, chosen, axis=1), np.take_along_axis(cosines, chosen, axis=1)
        cosines = np.maximum(cosines, 0.0)
        if missing := STAND_INS - rows.shape[1]:  # of a tiny catalogue
            rows, cosines = np.pad(rows, ((0, 0), (0, missing)), mode="edge"), np.pad(cosines, ((0, 0), (0, missing)))
        last = np.maximum((cosines > 0.0).sum(axis=1) - 1, 0)
        rows = np.take_along_axis(rows, np.minimum(np.arange(STAND_INS), last[:, None]), axis=1)
        return rows, np.asarray(cosines / np.maximum(cosines.sum(axis=1, keepdims=True), 1e-30), dtype=np.float32)


def _means(index: VectorIndex, stand_ins: Rows, weights: Floats) -> Floats:
    return np.asarray(np.einsum("is,isd->id", weights, index.vectors_of(stand_ins)))
