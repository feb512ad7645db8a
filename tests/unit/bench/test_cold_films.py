"""Holding films back."""

import numpy as np

from services.training.datasets import Dataset, Interactions, Item, User
from tests.bench.cold_films import ColdFilms

FILMS, USERS = 40, 60


def dataset() -> Dataset:
    """Returns users who each met thirty films, one after the other."""
    random = np.random.default_rng(0)
    met = [random.permutation(FILMS)[:30] for _ in range(USERS)]
    return Dataset.build(
        name="films",
        items=[Item(str(film), f"Film {film}", (), "", {}) for film in range(FILMS)],
        users=[User(str(user), {}) for user in range(USERS)],
        interactions=Interactions.build(users=np.repeat(np.arange(USERS), 30), items=np.concatenate(met)),
    )


def test_films_that_are_held_back_are_not_trained_with_and_known_ones_keep_their_events() -> None:
    """Nor are the last events of anybody; ids stay with their films."""
    films = ColdFilms.of(dataset(), 5, seed=0, tuning=False)
    trained = films.trained

    assert len(trained.items) == FILMS - 5
    assert (films.row_of[films.judged] == -1).all()
    for film, row in enumerate(films.row_of.tolist()):
        assert row == -1 or trained.items[row].id == str(film)
    known = films.row_of[films.dataset.interactions.items] >= 0
    last = np.tile(np.arange(30) >= 24, USERS)
    assert len(trained.interactions) == (known & ~last).sum()
    assert len(films.users) == last.sum()


def test_films_are_compared_with_known_ones_that_are_about_as_popular() -> None:
    """Each with another one."""
    films = ColdFilms.of(dataset(), 5, seed=0, tuning=False)
    counts = np.bincount(films.dataset.interactions.items)

    assert len(set(films.matched.tolist())) == 5
    assert (films.row_of[films.matched] >= 0).all()
    assert np.abs(counts[films.matched] - counts[films.judged]).max() <= 5


def test_what_is_tuned_with_is_not_what_is_judged_with() -> None:
    """Both are held back while tuning."""
    judging = ColdFilms.of(dataset(), 5, seed=0, tuning=False)
    tuning = ColdFilms.of(dataset(), 5, seed=0, tuning=True)

    assert not set(judging.judged.tolist()) & set(tuning.judged.tolist())
    assert (tuning.row_of[judging.judged] == -1).all()
    assert len(tuning.trained.items) == FILMS - 10
