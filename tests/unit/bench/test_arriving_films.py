"""Cutting a data set at a moment, with films that arrive then."""

import numpy as np
import pytest

from services.training.datasets import Dataset, Interactions, Item, User
from tests.bench.arriving_films import LEAST_EVENTS, ArrivingFilms

FILMS, USERS, EVENTS = 30, 80, 3000


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """Returns people who meet films now and then; half of them come late."""
    random = np.random.default_rng(0)
    times = np.arange(EVENTS)
    users = np.where(times < EVENTS // 2, random.integers(USERS // 2, size=EVENTS), random.integers(USERS, size=EVENTS))
    return Dataset.build(
        name="films",
        items=[Item(str(film), f"Film {film}", (), "", {}) for film in range(FILMS)],
        users=[User(str(user), {}) for user in range(USERS)],
        interactions=Interactions.build(
            users=users, items=random.integers(FILMS, size=EVENTS), timestamps=1000 * times, liked=times % 2 == 0
        ),
    )


def test_nothing_is_known_of_films_that_arrive_nor_of_what_comes(dataset: Dataset) -> None:
    """Neither their rows nor their events are there; all else that happened before is, with the ids that it had."""
    films = ArrivingFilms.of(dataset, 0.5, 5, seed=0)
    ids = {item.id for item in films.before.items}
    assert ids == {str(film) for film in range(FILMS)} - {str(film) for film in films.arriving.tolist()}
    assert films.before.interactions.timestamps.max() < films.times.min()
    log, before = dataset.interactions, films.before.interactions
    expected = {
        (str(user), str(film), at)
        for user, film, at in zip(log.users.tolist(), log.items.tolist(), log.timestamps.tolist(), strict=True)
        if at < films.times.min() and film not in films.arriving
    }
    assert expected == {
        (films.before.users[user].id, films.before.items[film].id, at)
        for user, film, at in zip(before.users.tolist(), before.items.tolist(), before.timestamps.tolist(), strict=True)
    }


def test_what_comes_is_in_the_order_of_time_and_whole(dataset: Dataset) -> None:
    """Events with films that arrive, and of people who come late, are in it."""
    films = ArrivingFilms.of(dataset, 0.5, 5, seed=0)
    assert len(films.times) == EVENTS // 2
    assert (np.diff(films.times) >= 0).all()
    assert set(films.arriving.tolist()) < set(films.films.tolist())
    assert len(set(films.users.tolist())) > len(films.before.users)


def test_each_film_is_compared_with_a_known_one_that_is_watched_about_as_often(dataset: Dataset) -> None:
    """With another one each."""
    films = ArrivingFilms.of(dataset, 0.5, 5, seed=0)
    counts = np.bincount(films.films, minlength=FILMS)
    assert len(set(films.matched.tolist())) == 5
    assert not set(films.matched.tolist()) & set(films.arriving.tolist())
    assert counts[films.arriving].min() >= LEAST_EVENTS
    assert np.abs(counts[films.matched] - counts[films.arriving]).max() <= 5


def test_what_is_tuned_with_does_not_arrive_when_it_is_judged(dataset: Dataset) -> None:
    """The same seed chooses both."""
    judging, tuning = (ArrivingFilms.of(dataset, 0.5, 5, seed=0, tuning=tuning) for tuning in (False, True))
    assert not set(judging.arriving.tolist()) & set(tuning.arriving.tolist())
