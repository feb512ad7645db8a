"""What may not be logged: whose it is, for how long, and what a crash does to it."""

from pathlib import Path

import msgspec
import pytest

from services.feature_store.events import ImportedUser
from services.feature_store.item_changes import Item
from services.feature_store.log_folder import open_log_folder
from services.feature_store.never_logged import NeverLogged
from services.feature_store.store_folder import open_store_folder
from shared.event_log import read_log
from shared.event_log.records import AttributesRecord, ItemFeaturesRecord, ItemRecord, Record
from shared.feature_views import CategoricalField, EmbeddingField, FeatureView, FloatField, IntField
from tests.unit.feature_store.stores import MIB, Clock, open_store, stored

NOW_MS = Clock().now_ms
HEALTH = FeatureView(
    name="health",
    entity="user",
    sensitivity="never_logged",
    fields=(CategoricalField("diet"), EmbeddingField("gait", width=2)),
)
LATER = msgspec.structs.replace(HEALTH, version=2, sensitivity="plain")
COSTS = FeatureView(
    name="costs", entity="item", sensitivity="never_logged", fields=(FloatField("margin"), CategoricalField("supplier"))
)
PLAIN = FeatureView(name="profile", entity="user", fields=(IntField("age"),))
DEFINITIONS = {f"{view.name}@{view.version}": msgspec.json.encode(view) for view in (HEALTH, LATER, COSTS, PLAIN)}


@pytest.fixture
def never_logged() -> NeverLogged:
    """What a store knows that has served all of these views."""
    never_logged = NeverLogged()
    never_logged.learn(DEFINITIONS)
    return never_logged


@pytest.mark.parametrize(
    ("record", "kept"),
    [
        (AttributesRecord("u", {"diet": "x", "age": 3.0, "gait[1]": 1.0}, 1, 2), AttributesRecord("u", {"age": 3.0}, 1, 2)),
        (AttributesRecord("u", {"diet": "x"}, 1, 2), None),
        (AttributesRecord("u", {"margin": 1.0}, 1, 2), AttributesRecord("u", {"margin": 1.0}, 1, 2)),
        (ItemRecord("i", False, 1, attributes={"margin": 1.0}), ItemRecord("i", False, 1)),
        (ItemRecord("i", False, 1, attributes={"diet": "x"}), ItemRecord("i", False, 1, attributes={"diet": "x"})),
        (
            ItemFeaturesRecord("i", {"margin": 1.0, "margin missing": 0.0, "supplier=x": 1.0, "length": 2.0}, 1, 2),
            ItemFeaturesRecord("i", {"length": 2.0}, 1, 2),
        ),
        (ItemFeaturesRecord("i", {"margin": 1.0}, 1, 2), None),
    ],
)  # fmt: skip
def test_values_are_taken_out_of_records(never_logged: NeverLogged, record: Record, kept: Record | None) -> None:
    """Of users and of items apart; also those whose later version says otherwise, for older values are still stored."""
    assert never_logged.withhold([record]) == ([] if kept is None else [kept])
    assert NeverLogged().withhold([record]) == [record]


async def test_replaying_loses_no_value_that_was_acknowledged(tmp_path: Path) -> None:
    """What a crash left in the log alone lacks such values; those that are stored stay, of users and of items."""
    attributes: dict[str, str | float] = {"margin": 0.5, "colour": "red"}
    with open_store(tmp_path) as store:
        store.remember(DEFINITIONS)
        await store.import_users([ImportedUser("u", {"diet": "vegan", "age": 3.0}, [], [], [], 5)])
        for item_id in ("a", "b"):
            await store.item_changes.change([Item(item_id, attributes=attributes)], 5, lambda: None, lambda _: None)
    with open_store_folder(tmp_path, 64 * MIB) as environment, open_log_folder(tmp_path, environment) as log:
        log.append(
            [
                AttributesRecord("u", {"age": 4.0}, 6, NOW_MS),
                ItemRecord("a", False, 7, "new", attributes={"size": "big"}),
                ItemRecord("b", True, 7),
            ]
        )
        log.sync()
    with open_store(tmp_path) as store:
        user = stored(store, "u")
        changes, _ = store.item_changes.changes(0, 10, MIB)
    assert user is not None
    assert user.attributes == {"diet": "vegan", "age": 4.0}
    items = {change.item.item_id: change.item for change in changes}
    assert items["a"].attributes == {"size": "big", "margin": 0.5}
    assert (items["b"].withdrawn, items["b"].attributes) == (True, {})


async def test_a_write_of_nothing_else_leaves_the_log_as_it_is(tmp_path: Path) -> None:
    """It is in the store all the same, also when that is opened again."""
    with open_store(tmp_path) as store:
        store.remember(DEFINITIONS)
        await store.import_users([ImportedUser("u", {"diet": "vegan"}, [], [], [], 5)])
    with open_store(tmp_path) as store:
        user = stored(store, "u")
    assert user is not None
    assert user.attributes == {"diet": "vegan"}
    assert list(read_log(tmp_path / "log")) == []
