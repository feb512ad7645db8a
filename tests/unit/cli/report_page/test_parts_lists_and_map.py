"""For whom it works, what the lists are like, and the map of the items."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from sklearn.decomposition import PCA

from services.cli.report_page.item_map import item_map, principal_plane
from services.cli.report_page.lists import list_qualities
from services.cli.report_page.measurement import Measurement
from services.cli.report_page.parts import parts
from shared.snapshot.catalogue import Catalogue
from tests.unit.cli.report_page.measured import ITEMS, USERS


def test_parts_hold_everybody_once(measured: Measurement) -> None:
    """By history and by popularity; their means, weighted by people, give the mean over all."""
    hits = (measured.answers.ranks <= 10).mean()
    for group in parts(measured):
        assert sum(one.users for one in group.parts) == USERS
        weighted = sum(one.users * one.hit_rate.mean for one in group.parts) / USERS
        assert weighted == pytest.approx(hits)


def test_a_part_of_a_few_people_is_left_out(measured: Measurement) -> None:
    """Nine are too few, ten are enough."""
    attributes: tuple[dict[str, str | float], ...] = tuple(
        {"age_band": "old" if user < 9 else "young"} for user in range(USERS)
    )
    divided = parts(replace(measured, questions=replace(measured.questions, attributes=attributes)))
    [by_age] = [group for group in divided if group.by == "Age band"]
    assert [(one.name, one.users) for one in by_age.parts] == [("young", USERS - 9)]


def test_lists_are_described_in_the_rows_of_the_data_set(measured: Measurement) -> None:
    """The catalogue has another order; popularity and coverage are counted by hand from the ids."""
    found = {one.metric: one for one in list_qualities(measured)}
    first_ten = [listed[:10] for listed in measured.answers.listed]
    assert found["Coverage"].served == len({item for listed in first_ten for item in listed}) / ITEMS
    met: dict[str, set[str]] = {}
    for user, history in zip(measured.questions.user_ids, measured.questions.histories, strict=True):
        for row in history:
            met.setdefault(measured.catalogue[row].id, set()).add(user)
    by_hand = np.mean([np.mean([len(met.get(item, ())) for item in listed]) for listed in first_ten])
    assert found["Popularity of an item"].served == pytest.approx(by_hand)
    assert found["Popularity of an item"].popularity > by_hand


def test_the_plane_is_that_of_scikit_learn() -> None:
    """Up to the sign of its axes, with the same share of the variance."""
    vectors = np.random.default_rng(0).standard_normal((200, 12), dtype=np.float32)
    vectors *= np.arange(1, 13, dtype=np.float32)  # some directions matter more
    plane, explained = principal_plane(vectors)
    directions = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    theirs = PCA(2, svd_solver="full").fit(directions)
    np.testing.assert_allclose(np.abs(plane), np.abs(theirs.transform(directions)), atol=1e-5)
    assert explained == pytest.approx(theirs.explained_variance_ratio_.sum(), abs=1e-6)
    assert (plane[np.abs(plane).argmax(axis=0), [0, 1]] > 0).all()


def test_the_map_shows_what_was_met_most_met_first(measured: Measurement) -> None:
    """With the catalogue's titles and first categories."""
    found = item_map(measured)
    assert found is not None
    assert (found.channel, found.dimension) == ("two_tower", 8)
    events = [point.events for point in found.points]
    assert events == sorted(events, reverse=True)
    assert min(events) > 0
    category_of = {item.title: item.categories[0] for item in measured.catalogue}
    assert all(found.categories[point.category] == category_of[point.title] for point in found.points)


def test_rare_categories_share_a_colour(measured: Measurement) -> None:
    """More colours than eight cannot be told apart."""
    many = [
        msgspec.structs.replace(item, categories=(f"category {row % 12}",))
        for row, item in enumerate(measured.catalogue)
    ]
    found = item_map(replace(measured, catalogue=Catalogue(many)))
    assert found is not None
    assert len(found.categories) == 8
    assert found.categories[-1] == "others"
    assert max(point.category for point in found.points) == 7
