"""The values that features are made of."""

import numpy as np
import pytest

from services.training.datasets import Dataset, DatasetError, Interactions, Item, User
from services.training.feature_values import feature_values
from services.training.holdout import Holdout
from services.training.item_features import build_item_features
from services.training.models import fit_features
from shared.events import EventType
from shared.feature_views import Counter, FeatureField, FeatureView, FloatField
from shared.feature_views.agreement import disagreements
from shared.features import UserFeatureTransform
from tests.unit.training.chains import chain_dataset, tiny_config

DAY_MS = 86_400_000
NOW_MS = 1_700_000_000_000


def view(*fields: FeatureField, ttl_days: float = 0.0, entity: str = "user") -> FeatureView:
    """Returns a view with these fields."""
    return FeatureView(name="v", entity=entity, ttl_seconds=ttl_days * 86_400, fields=fields)  # type: ignore[arg-type]


def dataset(*users: User, timed: bool = True) -> Dataset:
    """Returns users who each click on four items in turn, the newest of all at `NOW_MS`."""
    rows = [user for user in range(len(users)) for _ in range(4)]
    times = [NOW_MS - step * DAY_MS for _ in users for step in (3, 2, 1, 0)]
    return Dataset.build(
        name="d",
        items=[Item(str(row), "", (), "", {"price": 2.0}, NOW_MS - row * DAY_MS) for row in range(4)],
        users=users,
        interactions=Interactions.build(
            users=rows,
            items=[0, 1, 2, 3] * len(users),
            timestamps=times if timed else None,
            types=[EventType.CLICK] * len(rows),
        ),
    )


def test_what_has_outlived_its_time_to_live_is_missing() -> None:
    """As of the newest event; what has no time of its own is taken to hold."""
    data = dataset(
        User("old", {"mood": 1.0, "age": 30.0}, NOW_MS - 3 * DAY_MS),
        User("fresh", {"mood": 2.0, "age": 40.0}, NOW_MS - 2 * DAY_MS),
        User("unknown", {"mood": 3.0}),
    )
    views = [view(FloatField("mood"), ttl_days=2), FeatureView(name="w", entity="user", fields=(FloatField("age"),))]
    fit = Holdout.of(data.histories(), 1).fit

    assert feature_values(data, views, fit, "user") == [{"age": 30.0}, {"mood": 2.0, "age": 40.0}, {"mood": 3.0}]
    assert [len(known) for known in feature_values(data, [view(FloatField("price"), ttl_days=2, entity="item")], fit, "item")] == [
        1, 1, 1, 0,
    ]  # fmt: skip


def test_counts_are_of_what_may_be_learnt_from_alone() -> None:
    """One of four clicks is not held out; it is the newest that may be known, so that nothing has faded."""
    data = dataset(User("a", {}), User("b", {"clicks": 99.0}))
    clicks = FloatField("clicks", counter=Counter(("click",), 86_400.0))
    fit = Holdout.of(data.histories(), 1).fit

    assert feature_values(data, [view(clicks)], fit, "user") == [{"clicks": 1.0}, {"clicks": 1.0}]
    likes = FloatField("clicks", counter=Counter(("like",), 86_400.0))
    assert feature_values(data, [view(likes)], fit, "user") == [{}, {}]  # also where an attribute has the name
    assert feature_values(data, [view(clicks, entity="item")], fit, "item") == [
        {"price": 2.0, "clicks": 2.0}, {"price": 2.0}, {"price": 2.0}, {"price": 2.0},
    ]  # fmt: skip


def test_without_times_nothing_can_be_counted() -> None:
    """The message names the field and its view."""
    data = dataset(User("a", {}), User("b", {}), timed=False)
    clicks = FloatField("clicks", counter=Counter(("click",), 86_400.0))

    with pytest.raises(
        DatasetError, match="field clicks of view v is counted, but the events of this data set have no"
    ):
        feature_values(data, [view(clicks)], Holdout.of(data.histories(), 1).fit, "user")


def test_the_features_of_a_data_set_follow_from_its_views() -> None:
    """Declared or not: what training writes is what the store accepts, and what serving computes is what was trained on."""
    data = dataset(*(User(str(row), {"age": 20.0 + row, "city": "Oslo"}) for row in range(3)))
    declared = (
        view(FloatField("age", default=1.0), FloatField("height")),
        view(FloatField("clicks", counter=Counter(("click",), 60.0)), FloatField("price"), entity="item"),
    )
    for one in (data, chain_dataset(), Dataset(data.name, data.items, data.users, data.interactions, declared)):
        features = fit_features(one, Holdout.of(one.histories(), 1), tiny_config())
        schema = features.schema()

        assert schema.views == one.views() != ()
        assert disagreements(
            schema.views, schema.views_digest, schema.user_fields, schema.item_features, schema.item_ttl_seconds
        ) == []  # fmt: skip
        transform = UserFeatureTransform(schema.user_fields)
        assert features.users.tolist() == [transform(user.attributes).tolist() for user in one.users]


def test_without_an_item_view_the_features_are_those_of_every_data_set() -> None:
    """A declaration of users alone leaves items with popularity and categories."""
    items = [Item("a", "", ("Art",), "", {"price": 2.0})]
    features = build_item_features(items, [{"price": 2.0}], np.zeros(1), [])

    assert features.names == ("log popularity", "never met", "category=Art")
