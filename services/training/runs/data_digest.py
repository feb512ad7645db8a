"""The digest of everything that a job learns from."""

from __future__ import annotations

import hashlib

import msgspec
import numpy as np

from services.training.datasets import Dataset
from services.training.offline.traffic import Traffic
from shared.feature_views import digest as views_digest

_ENCODER = msgspec.json.Encoder(order="deterministic")


def data_digest(dataset: Dataset, traffic: Traffic | None = None) -> str:
    """Returns the SHA-256, in hexadecimal, of everything that a job learns from.

    Args:
        dataset: Items, users, events and views, in their order; its name does not count.
        traffic: What came of real answers.
    """
    digest = hashlib.sha256()
    for item in dataset.items:
        fields = (item.id, item.title, item.categories, item.text, dict(item.attributes), item.updated_ms)
        digest.update(_ENCODER.encode(fields))
    for user in dataset.users:
        digest.update(_ENCODER.encode((user.id, dict(user.attributes), user.updated_ms)))
    events = dataset.interactions
    for column in (events.users, events.items, events.timestamps, events.liked, events.viewed, events.types):
        digest.update(np.ascontiguousarray(column).data)
    digest.update(f"{events.timed} {views_digest(dataset.views())}".encode())
    if traffic is not None:
        digest.update(traffic.acted_upon.write_csv().encode())
    return digest.hexdigest()
