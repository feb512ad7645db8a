"""What can be wrong with an offline store and with what is asked of it."""

from __future__ import annotations


class OfflineStoreError(Exception):
    """An offline store that cannot be used as it is, or a question that it cannot answer; the message says what to do."""
