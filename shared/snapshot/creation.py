"""When a snapshot was made: what was written later than that, it has not learnt from."""

import datetime

from shared.snapshot.errors import SnapshotRefused
from shared.snapshot.manifest import Manifest


def created_ms(manifest: Manifest) -> int:
    """Returns when the snapshot was made, in milliseconds since 1970, UTC.

    Raises:
        SnapshotRefused: it does not say when in RFC 3339 with a time zone.
    """
    try:
        created = datetime.datetime.fromisoformat(manifest.created)
        if created.tzinfo is None:
            raise ValueError("it has no time zone")
    except ValueError as error:
        raise SnapshotRefused(manifest.id, f"created is {manifest.created!r}, no time of RFC 3339: {error}") from error
    return round(created.timestamp() * 1000)
