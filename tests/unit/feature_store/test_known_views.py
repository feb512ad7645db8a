"""What the feature store knows of views, and which snapshots it refuses for it."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from services.feature_store.known_views import KnownViews
from shared.events import EventWeights
from shared.feature_views import (
    DERIVED,
    CategoricalField,
    Counter,
    FeatureField,
    FeatureView,
    FloatField,
    IntField,
    digest,
)
from shared.feature_views.columns import planned_user_fields
from shared.snapshot.errors import SnapshotRefused
from shared.snapshot.manifest import FeatureSchema, Manifest, RankerEntry
from tests.unit.feature_store.stores import open_store

DAY = 86_400.0
AGE = IntField("age", default=40)
DIET = CategoricalField("diet")


class MemoryDefinitions:
    """Remembers views as long as it lives."""

    def __init__(self) -> None:
        self.known: dict[str, bytes] = {}

    def definitions(self) -> Mapping[str, bytes]:
        """Returns everything that was remembered."""
        return dict(self.known)

    def remember(self, definitions: Mapping[str, bytes]) -> None:
        """Keeps what is not known yet."""
        self.known = {**definitions, **self.known}


def view(*fields: FeatureField, **changed: object) -> FeatureView:
    """Returns version 1 of the user view `profile`."""
    return msgspec.structs.replace(FeatureView(name="profile", entity="user", fields=fields or (AGE,)), **changed)


def snapshot(*views: FeatureView, **changed: object) -> Manifest:
    """Returns the manifest of a snapshot that was trained on views of users, with parts of its schema changed."""
    schema = FeatureSchema(planned_user_fields(views), (), (), views, digest(views))
    return Manifest(
        format_version=1, id="s-1", created="2026-01-01T00:00:00Z", dataset="d", items=0, max_history=1,
        feature_schema=msgspec.structs.replace(schema, **changed), channels=(), ranker=RankerEntry(""), objectives=(),
        files=(),
    )  # fmt: skip


def load(known: KnownViews, manifest: Manifest) -> str:
    """Loads a snapshot as the follower would."""
    return known.guard(lambda _folder, manifest: manifest.id)(Path(), manifest)


def refusal(known: KnownViews, manifest: Manifest) -> str:
    """Returns why a snapshot is refused."""
    with pytest.raises(SnapshotRefused) as refused:
        load(known, manifest)
    return refused.value.problem


@pytest.fixture
def known() -> KnownViews:
    """A store that has served version 1 of `profile`."""
    views = KnownViews(MemoryDefinitions(), DAY)
    load(views, snapshot(view()))
    return views


def test_a_snapshot_from_before_there_were_views_is_served(known: KnownViews) -> None:
    """It has none to compare."""
    assert load(known, snapshot()) == "s-1"


def test_the_same_definition_is_served_again(known: KnownViews) -> None:
    """Also with another owner, whom no value depends on."""
    assert load(known, snapshot(view(owner="growth", description="Who they are."))) == "s-1"


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        (view(IntField("age", default=41)), "field age: default was 40 and is 41"),
        (view(FloatField("age", default=40)), "field age: kind was 'int' and is 'float'"),
        (view(AGE, DIET), "field diet is new"),
        (view(DIET), "field age was there and is gone; field diet is new"),
        (view(ttl_seconds=DAY), "ttl_seconds was 0.0 and is 86400.0"),
        (view(sensitivity="never_logged"), "sensitivity was 'plain' and is 'never_logged'"),
    ],
)
def test_another_definition_under_the_same_version_is_refused(
    known: KnownViews, changed: FeatureView, named: str
) -> None:
    """The message names the view, the field, both values and the remedy."""
    problem = refusal(known, snapshot(changed))

    assert problem.startswith("view profile version 1 is not what the store knows under that name and version: ")
    assert named in problem
    assert problem.endswith("Raise the view's version in features.toml and train again")


def test_a_raised_version_may_say_anything(known: KnownViews) -> None:
    """And then stands for it; the old version still stands for what it said."""
    raised = view(IntField("age", default=41), version=2)

    assert load(known, snapshot(raised)) == "s-1"
    assert load(known, snapshot(view())) == "s-1"
    assert "default was 41 and is 42" in refusal(known, snapshot(view(IntField("age", default=42), version=2)))


def test_fields_in_another_order_are_another_definition() -> None:
    """The order of fields is the order of features."""
    known = KnownViews(MemoryDefinitions(), DAY)
    load(known, snapshot(view(AGE, DIET)))

    assert "the fields are in another order" in refusal(known, snapshot(view(DIET, AGE)))


def test_views_that_nobody_declared_may_change_with_the_data() -> None:
    """They promise nothing, and are not remembered."""
    definitions = MemoryDefinitions()
    known = KnownViews(definitions, DAY)

    load(known, snapshot(view(version=DERIVED)))
    load(known, snapshot(view(DIET, version=DERIVED)))

    assert definitions.known == {}


def test_a_snapshot_that_cannot_be_loaded_teaches_nothing() -> None:
    """Its views were never served."""
    definitions = MemoryDefinitions()

    def broken(_folder: Path, manifest: Manifest) -> None:
        raise SnapshotRefused(manifest.id, "a file is missing")

    with pytest.raises(SnapshotRefused, match="a file is missing"):
        KnownViews(definitions, DAY).guard(broken)(Path(), snapshot(view()))
    assert definitions.known == {}


def test_features_that_do_not_follow_from_the_views_are_refused(known: KnownViews) -> None:
    """A manifest that was changed by hand, or written by a faulty trainer."""
    fields = planned_user_fields([view(ttl_seconds=DAY)])
    problem = refusal(known, snapshot(view(), user_fields=fields))

    assert problem == (
        "its features do not follow from its feature views; train it again: "
        "user field age: ttl_seconds is 86400.0; its view declares 0.0"
    )


def test_counts_that_the_store_cannot_serve_are_refused() -> None:
    """A model that was trained on counts must not be fed the default in their place."""
    counted = view(FloatField("clicks", counter=Counter(("click",), 7 * DAY)))

    assert "the store counts with one of 86400 s" in refusal(KnownViews(MemoryDefinitions(), DAY), snapshot(counted))
    assert load(KnownViews(MemoryDefinitions(), 7 * DAY), snapshot(counted)) == "s-1"


def test_counts_of_events_that_are_worth_something_else_here_are_refused() -> None:
    """Training counts with the defaults; weights of events that the field does not count make no difference."""
    counted = view(FloatField("liked", counter=Counter(("click", "like"), DAY)))
    known = KnownViews(MemoryDefinitions(), DAY, EventWeights.parse("like=4"))

    assert "with like=3, as training does; FEATURE_STORE_EVENT_WEIGHTS says 4" in refusal(known, snapshot(counted))
    assert load(KnownViews(MemoryDefinitions(), DAY, EventWeights.parse("purchase=9")), snapshot(counted)) == "s-1"


def test_counts_of_dwells_are_refused() -> None:
    """A data set does not say how long they were, so training cannot count as the store does."""
    counted = view(FloatField("read", counter=Counter(("dwell",), DAY)))

    assert "by dwells, which training counts once each" in refusal(
        KnownViews(MemoryDefinitions(), DAY), snapshot(counted)
    )


def test_views_are_remembered_across_restarts(tmp_path: Path) -> None:
    """Beside the data that they describe, and apart from what else the store keeps of itself."""
    with open_store(tmp_path) as store:
        load(KnownViews(store, DAY), snapshot(view()))

    with open_store(tmp_path) as store:
        assert list(store.definitions()) == ["profile@1"]
        assert "default was 40 and is 41" in refusal(
            KnownViews(store, DAY), snapshot(view(IntField("age", default=41)))
        )


def test_what_is_known_is_never_replaced(tmp_path: Path) -> None:
    """Whoever comes second must agree."""
    first, second = (msgspec.json.encode(view(owner=owner)) for owner in ("first", "second"))
    with open_store(tmp_path) as store:
        store.remember({"profile@1": first})
        store.remember({"profile@1": second, "profile@2": second})

        assert store.definitions() == {"profile@1": first, "profile@2": second}


async def test_views_outlive_an_erasure(tmp_path: Path) -> None:
    """It writes the databases anew."""
    first = msgspec.json.encode(view())
    with open_store(tmp_path) as store:
        store.remember({"profile@1": first})
        await store.forget_user("u")

        assert store.definitions() == {"profile@1": first}
