"""Records to write to logs."""

from pathlib import Path

from hypothesis import strategies as st

from shared.event_log import EventLog
from shared.event_log.records import (
    AttributesRecord,
    EventRecord,
    ExposureRecord,
    ItemFeaturesRecord,
    ItemRecord,
    Record,
)

_ids = st.text(st.characters(codec="utf-8"), max_size=12)
_numbers = st.floats(allow_nan=False)
_times = st.integers(0, 1 << 45)
_values = st.one_of(_ids, _numbers)

#: Any record.
records: st.SearchStrategy[Record] = st.one_of(
    st.builds(EventRecord, _ids, _ids, _ids, st.integers(1, 7), _times, _times, _numbers, _ids),
    st.builds(AttributesRecord, _ids, st.dictionaries(_ids, _values, max_size=3), _times, _times),
    st.builds(ItemFeaturesRecord, _ids, st.dictionaries(_ids, _numbers, max_size=3), _times, _times),
    st.builds(ItemRecord, _ids, st.booleans(), _times, _ids, st.tuples(_ids), st.dictionaries(_ids, _values)),
    st.builds(
        ExposureRecord, _ids, _ids, _ids, _ids, _times,
        *(st.tuples(each, each) for each in (_ids, _numbers, _numbers, _ids, st.integers(0, 255))),
    ),
)  # fmt: skip

#: Batches of records, one after the other.
batches = st.lists(st.lists(records, min_size=1, max_size=5), min_size=1, max_size=6)


def event(number: int, user_id: str = "") -> EventRecord:
    """Returns an event that no other number has."""
    return EventRecord(user_id or f"user-{number % 7}", f"event-{number}", f"item-{number % 5}", 1, number, number + 1)


def write(folder: Path, written: list[list[Record]], segment_bytes: int = 1 << 20) -> list[int]:
    """Appends batches to the log of a folder, and returns the position after each."""
    with EventLog(folder, segment_bytes) as log:
        return [log.append(batch) for batch in written]
