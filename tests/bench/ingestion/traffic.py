"""What is sent to the feature store: events of many users, and look-ups of them."""

from collections.abc import Iterator

import numpy as np

from winnow.feature_store.v1 import feature_store_service_pb2 as pb

#: Batches are drawn so many at a time.
_DRAWN = 64
_START_MS = 1_760_000_000_000
_TYPES = (pb.EVENT_TYPE_VIEW, pb.EVENT_TYPE_CLICK, pb.EVENT_TYPE_LIKE, pb.EVENT_TYPE_IMPRESSION, pb.EVENT_TYPE_PURCHASE)


def user_id(number: int) -> str:
    """Returns the id of a user."""
    return f"user-{number:07d}"


def item_id(number: int) -> str:
    """Returns the id of an item, as the snapshots of the bench have them."""
    return f"item-{number:06d}"


def batches(seed: int, users: int, items: int, size: int) -> Iterator[pb.IngestEventsRequest]:
    """Yields batches of new events without end, of random users, with few items that come often and many that do not.

    Args:
        seed: What is drawn, and the ids of the events, follow from it.
        users: How many there are.
        items: How many there are.
        size: Events of a batch.
    """
    random = np.random.default_rng(seed)
    number = 0
    while True:
        chosen_users = random.integers(users, size=(_DRAWN, size))
        chosen_items = np.minimum(random.zipf(1.2, size=(_DRAWN, size)) - 1, items - 1)
        chosen_items = (chosen_items * 7919) % items
        chosen_types = random.choice(_TYPES, size=(_DRAWN, size), p=[0.5, 0.2, 0.1, 0.15, 0.05])
        for batch in range(_DRAWN):
            columns = (chosen_users[batch].tolist(), chosen_items[batch].tolist(), chosen_types[batch].tolist())
            events = []
            for user, item, kind in zip(*columns, strict=True):
                number += 1
                events.append(
                    pb.Event(
                        event_id=f"{seed}-{number}",
                        user_id=user_id(user),
                        item_id=item_id(item),
                        type=kind,
                        occurred_at_ms=_START_MS + number,
                    )
                )
            yield pb.IngestEventsRequest(events=events)
