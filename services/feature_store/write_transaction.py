"""A transaction with what it adds to the log: both become durable together."""

from dataclasses import dataclass, field

import lmdb

from shared.event_log.records import Record


@dataclass
class WriteTransaction:
    """What one group of writers works on.

    Attributes:
        lmdb: The transaction of the databases.
        records: What is to be in the log once it is committed, in order. Whoever changes what is stored adds what it was,
            so that the log could tell the store all that it knows.
    """

    lmdb: lmdb.Transaction
    records: list[Record] = field(default_factory=list)
