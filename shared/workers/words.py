"""What a worker and its parent tell each other over the socket between them: one JSON object a line, by turns."""

import msgspec

#: How often a worker speaks. It hears within this time that its parent is gone, or what the others hold.
BEAT_SECONDS = 0.25


class WorkerWord(msgspec.Struct, frozen=True):
    """What a worker says. It speaks first, and again some time after it was answered.

    Attributes:
        ready: Whether it takes connections, or is about to once this is answered.
        held: The snapshots that it holds, newest first.
    """

    ready: bool
    held: list[str]


class ParentWord(msgspec.Struct, frozen=True):
    """What the parent answers.

    Attributes:
        agreed: The snapshots that every worker holds which takes connections.
    """

    agreed: list[str]


def write_word(word: WorkerWord | ParentWord) -> bytes:
    """Returns the line that says it."""
    return msgspec.json.encode(word) + b"\n"


def read_worker(line: bytes) -> WorkerWord:
    """Returns what a worker's line says."""
    return msgspec.json.decode(line, type=WorkerWord)


def read_parent(line: bytes) -> ParentWord:
    """Returns what the parent's line says."""
    return msgspec.json.decode(line, type=ParentWord)
