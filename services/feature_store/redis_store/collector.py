"""From the streams in Redis to a log in a folder: what several feature stores wrote, where training reads it.

Each record comes once. What was appended since the last checkpoint is taken back when the collector starts again, and read
from Redis anew; Redis lets go of records only after the checkpoint that has them.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from services.feature_store.portrait import user_of
from services.feature_store.redis_store import keys
from shared.durable_files import replace_file
from shared.event_log import EventLog
from shared.event_log.records import Record, decode_record

CHECKPOINT_FILE = "collected.json"

_RECORDS_AT_A_TIME = 500

#: The field of an entry that is no record: the user who is to be forgotten.
FORGET = b"forget"


class Checkpoint(msgspec.Struct, frozen=True):
    """How far the collector is.

    Attributes:
        position: Of the log in the folder.
        streams: The last entry that was taken of each stream.
    """

    position: int = 0
    streams: Mapping[str, str] = {}


class Collector:
    """Moves records from Redis to a log.

    Args:
        client: From `connected_now`.
        log: Open, and written to by nobody else.

    Raises:
        RedisError: Redis cannot be reached.
        LogBroken: the log cannot be written.
    """

    def __init__(self, client: Any, log: EventLog) -> None:
        self._client = client
        self._log = log
        self._path = log.folder / CHECKPOINT_FILE
        self._checkpoint = _read(self._path)
        log.rewind(self._checkpoint.position)

    def collect(self, advance: Callable[[int], None] = lambda _: None) -> int:
        """Takes everything that is there now, and returns how many records that was.

        Args:
            advance: Told the number of records of each part.

        Raises:
            RedisError: Redis cannot be reached; what was checkpointed before stays.
            LogBroken: the log cannot be written.
        """
        total = 0
        while taken := self._take():
            advance(taken)
            total += taken
        return total

    def _take(self) -> int:
        streams = dict(self._checkpoint.streams)
        pipeline = self._client.pipeline(transaction=False)
        names = keys.all_logs()
        for name in names:
            pipeline.xrange(name, min=f"({streams[name]}" if name in streams else "-", count=_RECORDS_AT_A_TIME)
        found: list[tuple[tuple[int, int], Record]] = []
        forgotten: list[str] = []
        for name, entries in zip(names, pipeline.execute(), strict=True):
            for entry, fields in entries:
                if FORGET in fields:
                    # What came before it of the user goes; what comes after it was done since.
                    forgotten.append(fields[FORGET].decode())
                    found = [one for one in found if user_of(one[1]) != forgotten[-1]]
                    continue
                time, _, number = entry.decode().partition("-")
                found.append(((int(time), int(number)), decode_record(fields[b"record"])))
            if entries:
                streams[name] = entries[-1][0].decode()
        if streams == self._checkpoint.streams:
            return 0
        if forgotten:
            self._log.erase(
                lambda record: user_of(record) in forgotten,
                [user_id.encode() for user_id in forgotten],
                self._log.end,
                0,
            )
        found.sort(key=lambda one: one[0])  # each stream is in its order; together they are in that of time, about
        position = self._log.append([record for _, record in found])
        self._log.sync()
        changed = {name: entry for name, entry in streams.items() if self._checkpoint.streams.get(name) != entry}
        self._checkpoint = Checkpoint(position, streams)
        replace_file(self._path, msgspec.json.encode(self._checkpoint))
        self._let_go(changed)
        return len(found) + len(forgotten)

    def _let_go(self, collected: Mapping[str, str]) -> None:
        pipeline = self._client.pipeline(transaction=False)
        for name, entry in collected.items():
            time, _, number = entry.partition("-")
            pipeline.xtrim(name, minid=f"{time}-{int(number) + 1}", approximate=False)
        pipeline.execute()


def _read(path: Path) -> Checkpoint:
    return msgspec.json.decode(path.read_bytes(), type=Checkpoint) if path.exists() else Checkpoint()
