"""Where new items come to lie."""

import numpy as np
import pytest

from services.recall.live.placing import STAND_INS, Placer
from shared.word_projection import WordProjection
from tests.unit.recall.clustered import SCAN_IS_FREE, Vectors, index_over
from tests.unit.recall.live.worlds import change

#: A word for each axis.
PROJECTION = WordProjection(r"\w+", ("sea", "storm", "night"), np.ones(3), np.eye(3, dtype=np.float32))
SIMILAR = np.array(
    [[1, 0, 0], [0.8, 0.6, 0], [0.6, 0.8, 0], [0.9, 0, 0.4358899], [0, 0, 1], [-1, 0, 0]], dtype=np.float32
)


def placer(content: Vectors, popularity: list[float] | None = None) -> Placer:
    """Returns a placer beside items with these vectors; in the other channel item r lies at [r, 1]."""
    rows = np.arange(len(content), dtype=np.float32)
    other = np.stack([rows, np.ones_like(rows)], axis=1)
    weights = np.array(popularity or [0.0] * len(content), dtype=np.float32)
    return Placer(PROJECTION, 0, [index_over(content, SCAN_IS_FREE), index_over(other, SCAN_IS_FREE)], weights)


def test_the_nearest_by_words_stand_in() -> None:
    """The most alike first."""
    placed = placer(SIMILAR).place([change(4, "new", "sea")])
    assert placed.numbers.tolist() == [4]
    assert placed.stand_ins.tolist() == [[0, 3, 1]]


def test_an_item_lies_where_its_words_are_and_elsewhere_amid_its_like() -> None:
    """In other channels at the mean of the stand-ins, each weighted by its cosine."""
    placed = placer(SIMILAR).place([change(4, "new", "sea")])
    weights = np.array([1.0, 0.9, 0.8])
    np.testing.assert_allclose(placed.vectors[0], [[1, 0, 0]])
    np.testing.assert_allclose(placed.vectors[1], [[(weights @ [0, 3, 1]) / weights.sum(), 1.0]], rtol=1e-5)


def test_of_items_about_as_like_the_popular_one_stands_in() -> None:
    """Which of those with the same words is one that people met tells more of who will."""
    popularity = [0.0, 0.0, 1000.0, 0.0, 0.0, 1000.0]
    placed = placer(SIMILAR, popularity).place([change(0, "new", "sea")])
    assert placed.stand_ins.tolist() == [[0, 3, 2]]


def test_what_is_not_alike_never_stands_in() -> None:
    """However popular it is: a short list repeats its last, which counts once."""
    content = np.array([[-1, 0, 0], [0.6, 0.8, 0], [0, 0, 1], [0, 1, 0], [0.2, 0, 0.9797959]], dtype=np.float32)
    placed = placer(content, [1000.0, 0.0, 1000.0, 1000.0, 0.0]).place([change(0, "new", "sea")])
    assert placed.stand_ins.tolist() == [[1, 4, 4]]
    np.testing.assert_allclose(placed.vectors[1], [[(0.6 * 1 + 0.2 * 4) / 0.8, 1.0]], rtol=1e-5)


def test_a_catalogue_smaller_than_the_list_of_stand_ins_will_do() -> None:
    """Every list has the same length."""
    placed = placer(SIMILAR[:2]).place([change(0, "new", "sea")])
    assert placed.stand_ins.tolist() == [[0, 1, 1]]
    assert placed.stand_ins.shape[1] == STAND_INS


@pytest.mark.parametrize("title", ["", "unheard of"])
def test_an_item_without_a_known_word_is_not_placed(title: str) -> None:
    """Others that come with it are."""
    placed = placer(SIMILAR).place([change(0, "nowhere", title), change(1, "somewhere", "sea")])
    assert placed.numbers.tolist() == [1]
    assert not len(placer(SIMILAR).place([change(0, "nowhere", title)]))


def test_an_item_that_is_like_nothing_is_not_placed() -> None:
    """Nobody could stand in for it."""
    assert not len(placer(SIMILAR[[0, 5]]).place([change(0, "new", "night")]))
    assert not len(placer(np.zeros((3, 3), dtype=np.float32)).place([change(0, "new", "night")]))
