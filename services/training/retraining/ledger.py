"""What came of each round of retraining, beside the snapshots: where the next one goes on, and what an operator looks up."""

from __future__ import annotations

import datetime
from pathlib import Path

import msgspec

from shared.durable_files import replace_file

LEDGER_FILE = "retraining.jsonl"


class Round(msgspec.Struct, frozen=True):
    """A round.

    Attributes:
        began: When.
        position: Of the log, up to which it was read.
        events: How many events were new.
        snapshot: That it published; empty where it trained nothing.
        live: Whether that snapshot was made current.
        reason: Why, or why not.
    """

    began: datetime.datetime
    position: int
    events: int
    snapshot: str = ""
    live: bool = False
    reason: str = ""


class Ledger:
    """The rounds, one JSON object a line.

    Args:
        root: Root folder of the snapshots.
    """

    def __init__(self, root: Path) -> None:
        self._path = root / LEDGER_FILE

    @property
    def position(self) -> int:
        """Up to where the log was read by a round that trained; 0 where there was none."""
        return self.rounds[-1].position if self.rounds else 0

    @property
    def rounds(self) -> list[Round]:
        """All rounds that trained, oldest first. A line that a crash cut short is none."""
        if not self._path.exists():
            return []
        lines = self._path.read_bytes().split(b"\n")[:-1]
        return [msgspec.json.decode(line, type=Round) for line in lines]

    def note(self, done: Round) -> None:
        """Adds a round; on return it is on disk."""
        whole = b"".join(msgspec.json.encode(one) + b"\n" for one in [*self.rounds, done])
        replace_file(self._path, whole)
