"""What simulated readers choose."""

from dataclasses import replace

import numpy as np
import pytest

from services.training.generator import Truth
from services.training.generator.schedule import Schedule
from services.training.generator.simulation import simulate_choices

ITEMS = 6


def world(users: int, steps: int, *, released_at: list[int] | None = None) -> tuple[Truth, Schedule]:
    """Readers of no taste, at one event a tick, and items of which the last is by far the best."""
    truth = Truth(
        first_tastes=np.ones((users, 1), dtype=np.float32),
        last_tastes=np.ones((users, 1), dtype=np.float32),
        item_factors=np.zeros((ITEMS, 1), dtype=np.float32),
        follow_factors=np.zeros((ITEMS, 1), dtype=np.float32),
        quality=np.array([0, 0, 0, 0, 0, 30], dtype=np.float32),
        released_at=np.array(released_at or [0] * ITEMS),
    )
    schedule = Schedule(
        offsets=np.arange(0, users * steps + 1, steps),
        timestamps=np.tile(np.arange(steps), users),
        starts_session=np.tile(np.arange(steps) == 0, users),
        progress=np.zeros(users * steps, dtype=np.float32),
    )
    return truth, schedule


def choices(truth: Truth, schedule: Schedule, noise: float = 0.0) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
    """The choices as [users, steps]."""
    items = simulate_choices(truth, schedule, noise, np.random.default_rng(5))
    return items.reshape(len(schedule.offsets) - 1, -1)


def test_nobody_reads_a_book_twice() -> None:
    """With as many steps as items, everybody reads everything."""
    for chosen in choices(*world(users=600, steps=ITEMS)):
        assert sorted(chosen) == list(range(ITEMS))


def test_nobody_reads_a_book_before_it_is_released() -> None:
    """The best book comes out at the third tick, and then everybody reads it."""
    chosen = choices(*world(users=50, steps=4, released_at=[0, 0, 0, 0, 0, 2]))

    assert (chosen[:, :2] < 5).all()
    assert (chosen[:, 2] == 5).all()


def test_choices_follow_the_softmax_of_the_logits() -> None:
    """Equal logits are chosen equally often: after the best book, each of five is chosen by about a fifth."""
    second = choices(*world(users=5_000, steps=2))[:, 1]

    assert np.bincount(second, minlength=5) / 5_000 == pytest.approx(np.full(5, 0.2), abs=0.02)


def test_noise_chooses_blindly_among_what_is_allowed() -> None:
    """All noise: every book is as likely as the best one, and none is read twice."""
    chosen = choices(*world(users=3_000, steps=2), noise=1.0)

    assert np.bincount(chosen[:, 0]) / 3_000 == pytest.approx(np.full(ITEMS, 1 / ITEMS), abs=0.025)
    assert (chosen[:, 0] != chosen[:, 1]).all()


def test_what_was_just_read_draws_within_a_session_only() -> None:
    """Every book leads to item 1, which is to nobody's taste: it follows unless a pause came between."""
    truth, schedule = world(users=40, steps=2)
    factors = np.zeros((ITEMS, 1), dtype=np.float32)
    factors[1] = 1
    drawn = replace(
        truth,
        first_tastes=-truth.first_tastes,
        last_tastes=-truth.last_tastes,
        item_factors=factors,
        follow_factors=np.full((ITEMS, 1), 5, dtype=np.float32),
    )
    paused = replace(schedule, starts_session=np.ones(80, dtype=np.bool_))

    assert (choices(drawn, schedule)[:, 1] == 1).all()
    assert (choices(drawn, paused)[:, 1] != 1).all()
