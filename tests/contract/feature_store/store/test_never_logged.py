"""What a view declares as never logged is stored and served, and no byte of it is in the log."""

from collections.abc import Callable

import msgspec
import numpy as np

from services.feature_store.events import ImportedUser
from services.feature_store.item_changes import Item
from services.feature_store.item_write import ItemWrite
from shared.feature_views import CategoricalField, FeatureView, FloatField, SequenceField
from tests.contract.feature_store.store.conftest import Open
from tests.contract.feature_store.store.opened import AnyStore, event, read_all

HEALTH = FeatureView(
    name="health",
    entity="user",
    sensitivity="never_logged",
    fields=(CategoricalField("diet"), SequenceField("clinics", length=2)),
)
COSTS = FeatureView(
    name="costs",
    entity="item",
    sensitivity="never_logged",
    fields=(FloatField("margin"), CategoricalField("supplier")),
)
DEFINITIONS = {"health@1": msgspec.json.encode(HEALTH), "costs@1": msgspec.json.encode(COSTS)}

HIDDEN = "zq7hidden"
#: The bytes of a number that occurs nowhere else, as the log would have it.
HIDDEN_NUMBER = 7331.4142
NUMBERS = (msgspec.msgpack.encode(HIDDEN_NUMBER), msgspec.msgpack.encode(float(np.float32(HIDDEN_NUMBER))))


async def write(store: AnyStore, mark: str) -> None:
    """Writes what may not be logged beside what may, in every way in which attributes and features come."""
    await store.record_events([event(f"e-{mark}")])
    health: dict[str, str | float] = {"diet": HIDDEN, "clinics[1]": HIDDEN}
    await store.import_users([ImportedUser("u", {**health, "city": f"city-{mark}"}, [], [], [], 10)])
    await store.import_users([ImportedUser("v", health, ["a"], [5], [1], 10)])
    item = Item("a", attributes={"supplier": HIDDEN, "margin": HIDDEN_NUMBER, "colour": f"colour-{mark}"})
    await store.item_changes.change([item], 10, lambda: None, lambda _: None)
    names = ["margin", "margin missing", f"supplier={HIDDEN}", f"length-{mark}"]
    values = np.array([[HIDDEN_NUMBER] * 3 + [1.0]], dtype=np.float32)
    await store.write_items(ItemWrite(["a"], names, values, np.array([10])), lambda _: None)
    await store.write_items(ItemWrite(["b"], names[:1], values[:, :1], np.array([10])), lambda _: None)


async def test_what_is_never_logged_is_stored_and_in_no_byte_of_the_log(
    open_store: Open, log_bytes: Callable[[], bytes]
) -> None:
    """Of users and items, as attributes and as features; also when the store is opened again."""
    async with open_store() as store:
        store.remember(DEFINITIONS)
        await write(store, "first")
    async with open_store() as store:
        await write(store, "second")
        users = await read_all(store, ["u", "v"])
        (change,), _ = store.item_changes.changes(0, 10, 1 << 20)
        features = dict(store.items())
    logged = log_bytes()
    for mark in ("first", "second"):
        for plain in ("city", "colour", "length", "e"):
            assert f"{plain}-{mark}".encode() in logged
    assert HIDDEN.encode() not in logged
    assert not any(number in logged for number in NUMBERS)
    for user in users:
        assert user is not None
        assert (user.attributes["diet"], user.attributes["clinics[1]"]) == (HIDDEN, HIDDEN)
    assert change.item.attributes == {"supplier": HIDDEN, "margin": HIDDEN_NUMBER, "colour": "colour-second"}
    assert features["b"].numbers.tolist() == [np.float32(HIDDEN_NUMBER)]


async def test_without_such_a_view_everything_is_logged(open_store: Open, log_bytes: Callable[[], bytes]) -> None:
    """The scan does find what is there."""
    async with open_store() as store:
        await write(store, "plain")
    logged = log_bytes()
    assert HIDDEN.encode() in logged
    assert all(number in logged for number in NUMBERS)
