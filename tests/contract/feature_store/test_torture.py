"""A feature store that is killed at random moments loses nothing that it acknowledged, and applies nothing twice."""

from pathlib import Path

import pytest

from tests.torture.__main__ import problem_of, torture
from tests.torture.agreement import Found
from tests.torture.callers import Callers


@pytest.mark.parametrize(("durability", "kills"), [("disk", 4), ("process", 2)])
def test_a_store_that_is_killed_again_and_again_agrees_with_its_log(
    tmp_path: Path, durability: str, kills: int
) -> None:
    """`python -m tests.torture` does the same a hundred times."""
    assert torture(tmp_path, kills, seed=kills, durability=durability) > 0


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        (Found([("u", "1")], {"u": 5}, "a", "a"), None),
        (Found([], {"u": 5}, "a", "a"), "1 acknowledged events are lost, such as ('u', '1')"),
        (Found([("u", "1"), ("u", "1")], {"u": 5}, "a", "a"), "1 events were applied twice, such as ('u', '1')"),
        (Found([("u", "1")], {"u": 4}, "a", "a"), "acknowledged attributes of ['u'] are lost"),
        (Found([("u", "1")], {"u": 5}, "a", "b"), "the log and the store differ"),
    ],
)
def test_what_is_wrong_is_told(found: Found, problem: str | None) -> None:
    """So that the torture can fail."""
    callers = Callers(0, acknowledged={("u", "1")}, attributes={"u": 5})
    assert problem_of(found, callers) == problem
