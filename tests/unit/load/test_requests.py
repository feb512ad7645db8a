"""Which users and items are asked for, and in which mix."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from tests.load.ids import draw, read_ids
from tests.load.requests import mixed_calls, read_mix


def rng() -> np.random.Generator:
    """The same chance for every test."""
    return np.random.default_rng(0)


def test_ids_come_from_a_range_a_list_or_a_file(tmp_path: Path) -> None:
    """A file has an id, or an object with an id, on each line."""
    plain, objects = tmp_path / "users.txt", tmp_path / "users.jsonl"
    plain.write_text("a\n\nb\n")
    objects.write_text('{"id": "a", "attributes": {}}\n{"id": "b"}\n')
    assert list(read_ids("7-9")) == ["7", "8", "9"]
    assert list(read_ids("a,b")) == ["a", "b"]
    assert list(read_ids(f"@{plain}")) == ["a", "b"]
    assert list(read_ids(f"@{objects}")) == ["a", "b"]


def test_a_line_without_an_id_is_named(tmp_path: Path) -> None:
    """File and line."""
    path = tmp_path / "users.jsonl"
    path.write_text('{"id": "a"}\n{"name": "b"}\n')
    with pytest.raises(ValueError, match=r"users.jsonl:2 is no JSON object with an id"):
        read_ids(f"@{path}")


def test_uniform_draws_give_everybody_the_same_share() -> None:
    """Within what chance allows."""
    counts = Counter(islice(draw(["a", "b", "c", "d"], "uniform", 1.0, rng()), 8000))
    assert all(count == pytest.approx(2000, rel=0.1) for count in counts.values())


def test_zipf_draws_follow_the_ranks() -> None:
    """The first comes twice as often as the second, and three times as often as the third."""
    counts = Counter(islice(draw(["a", "b", "c"], "zipf", 1.0, rng()), 11000))
    assert [counts[one] for one in "abc"] == pytest.approx([6000, 3000, 2000], rel=0.1)


def test_equal_seeds_draw_equal_ids() -> None:
    """A run can be repeated."""
    ids = [str(number) for number in range(100)]
    first, second = (list(islice(draw(ids, "zipf", 1.0, rng()), 500)) for _ in range(2))
    assert first == second


def test_the_mix_has_its_shares() -> None:
    """Shares need not sum to anything; one without a number counts 1."""
    assert read_mix("recommend=3,record") == {"recommend": 0.75, "record": 0.25}
    users, items = iter(lambda: "u", None), iter(lambda: "i", None)
    counts = Counter(
        call.rpc for call in islice(mixed_calls({"recommend": 0.8, "similar": 0.2}, users, items, 5, rng()), 5000)
    )
    assert counts["recommend"] == pytest.approx(4000, rel=0.05)
    assert set(counts) == {"recommend", "similar"}


def test_every_event_that_is_recorded_is_new() -> None:
    """Repeated ids would be counted as duplicates and cost the store less."""
    users, items = iter(lambda: "u", None), iter(lambda: "i", None)
    calls = list(islice(mixed_calls({"record": 1.0}, users, items, 5, rng()), 100))
    assert len({call.request.events[0].event_id for call in calls}) == 100
