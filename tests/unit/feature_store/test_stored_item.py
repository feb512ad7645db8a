"""What is kept of an item's written features: for each of them the newest value."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.feature_store.stored_item import NOTHING, StoredItem, decode_item, encode_item, merge_features

names = st.lists(st.sampled_from(["popularity", "recency", "length", "é"]), unique=True, min_size=1)
values = st.floats(width=32, allow_nan=False, allow_infinity=False)
writes = st.lists(
    names.flatmap(
        lambda chosen: st.tuples(st.just(chosen), st.lists(values, min_size=4, max_size=4), st.integers(0, 5))
    )
)


def written(item: StoredItem) -> dict[str, tuple[int, float]]:
    """Returns the time and the value of each feature."""
    return dict(zip(item.names, zip(item.times_ms.tolist(), item.numbers.tolist(), strict=True), strict=True))


@given(writes)
def test_of_each_feature_the_newest_value_stays(told: Sequence[tuple[list[str], list[float], int]]) -> None:
    """Whatever order writes arrive in; of two of the same time the later to arrive, and each write is told which stay."""
    item = NOTHING
    expected: dict[str, tuple[int, float]] = {}
    for chosen, drawn, at_ms in told:
        numbers = np.array(drawn[: len(chosen)], dtype=np.float32)
        item, accepted = merge_features(item, chosen, numbers, at_ms)
        item = decode_item(encode_item(item))
        assert accepted.tolist() == [at_ms >= expected.get(name, (0, 0.0))[0] for name in chosen]
        for name, number in zip(chosen, numbers.tolist(), strict=True):
            if at_ms >= expected.get(name, (0, 0.0))[0]:
                expected[name] = (at_ms, number)
    assert written(item) == expected
