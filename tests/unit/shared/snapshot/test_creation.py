"""When a snapshot was made."""

import msgspec
import pytest

from shared.snapshot.creation import created_ms
from shared.snapshot.errors import SnapshotRefused
from tests.unit.shared.snapshot.test_manifest import MANIFEST


@pytest.mark.parametrize(
    ("created", "expected"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T01:00:00.5+01:00", 500),
        ("2026-01-01T00:00:00+00:00", 1_767_225_600_000),
    ],
)
def test_the_time_is_in_milliseconds_whatever_its_zone(created: str, expected: int) -> None:
    """Changes of items carry theirs in the same unit."""
    assert created_ms(msgspec.structs.replace(MANIFEST, created=created)) == expected


@pytest.mark.parametrize("created", ["", "yesterday", "2026-01-01T00:00:00"])
def test_a_time_that_is_none_is_refused(created: str) -> None:
    """Nothing could then be said to be newer than the snapshot."""
    with pytest.raises(SnapshotRefused, match="RFC 3339"):
        created_ms(msgspec.structs.replace(MANIFEST, created=created))
