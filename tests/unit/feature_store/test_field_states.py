"""How long a stored attribute may be used, and what stands in for it then."""

from array import array

import pytest

from services.feature_store.field_states import DEFAULT, EXPIRED, PRESENT, FieldRules
from services.feature_store.stored_user import NOBODY, StoredUser
from shared.features import AttributeValue, UserField

HOUR_MS = 3_600_000
FIELDS = (
    UserField("mood", "categorical", vocabulary=("happy", "sad"), ttl_seconds=3_600, default="calm"),
    UserField("age", "number"),
    UserField("visits", "number", ttl_seconds=3_600),
    UserField("plan", "categorical", vocabulary=("free",), default="free"),
)
RULES = FieldRules(FIELDS)


def user(at_ms: int = 0, **attributes: AttributeValue) -> StoredUser:
    """Returns a user whose attributes were all written at one time."""
    return StoredUser(attributes, array("q", [at_ms] * len(attributes)).tobytes())


def test_a_value_holds_for_its_time_to_live() -> None:
    """To the last millisecond; then its default stands in, or nothing."""
    stored = user(mood="sad", age=30.0, visits=4.0)
    assert RULES.resolve(stored, {}, HOUR_MS) == {"mood": "sad", "age": 30.0, "visits": 4.0, "plan": "free"}
    assert RULES.resolve(stored, {}, HOUR_MS + 1) == {"mood": "calm", "age": 30.0, "plan": "free"}


def test_what_the_request_says_is_of_now() -> None:
    """However old the stored value is."""
    assert RULES.resolve(user(mood="sad"), {"mood": "happy"}, 9 * HOUR_MS)["mood"] == "happy"


def test_a_value_of_another_kind_is_missing() -> None:
    """So the default stands in for it."""
    assert RULES.resolve(user(mood=1.0, plan=2.0), {}, 0) == {"mood": "calm", "plan": "free"}


def test_a_stranger_gets_the_defaults() -> None:
    """Where a field has one."""
    assert RULES.resolve(NOBODY, {}, 0) == {"mood": "calm", "plan": "free"}


def test_without_rules_nothing_is_copied() -> None:
    """As most snapshots are read."""
    stored = user(age=3.0)
    assert FieldRules(FIELDS[1:2]).resolve(stored, {}, 9 * HOUR_MS) is stored.attributes


@pytest.mark.parametrize(
    ("stored", "overrides", "now_ms", "states", "ages", "values"),
    [
        (NOBODY, {}, 5, [DEFAULT] * 4, [0] * 4, {}),
        (user(mood="sad", age=3.0), {}, 2_500, [PRESENT, PRESENT, DEFAULT, DEFAULT], [2, 2, 0, 0], {"mood": "sad", "age": 3.0}),
        (user(mood="sad", age=3.0), {}, HOUR_MS + 1, [EXPIRED, PRESENT, DEFAULT, DEFAULT], [3_600, 3_600, 0, 0], {"age": 3.0}),
        (user(mood="sad"), {"mood": "happy"}, 9 * HOUR_MS, [PRESENT, DEFAULT, DEFAULT, DEFAULT], [0] * 4, {"mood": "happy"}),
        (user(mood=7.0), {}, 5_000, [DEFAULT] * 4, [0] * 4, {}),
        (user(at_ms=9_000, age=3.0), {}, 0, [DEFAULT, PRESENT, DEFAULT, DEFAULT], [0] * 4, {"age": 3.0}),
    ],
)  # fmt: skip
def test_the_states_say_whence_each_value_is(
    *,
    stored: StoredUser,
    overrides: dict[str, AttributeValue],
    now_ms: int,
    states: list[int],
    ages: list[int],
    values: dict[str, AttributeValue],
) -> None:
    """With the age of what is stored, expired or not, and the values that are used as they are."""
    found = RULES.states([stored], [overrides], now_ms)
    assert (found.states.tolist(), found.ages.tolist(), found.values) == ([states], [ages], [values])
    assert (found.states.dtype.name, found.ages.dtype.name) == ("uint8", "uint32")
