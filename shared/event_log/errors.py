"""What can be wrong with a log."""

from pathlib import Path


class LogDamaged(Exception):
    """A file of the log does not hold what was written to it.

    Args:
        path: The file.
        offset: Where in it, in bytes from its beginning.
        problem: What is wrong there, continuing the sentence "<file> at byte <offset>: …".

    Attributes:
        path: The file.
        offset: Where in it, in bytes.
    """

    def __init__(self, path: Path, offset: int, problem: str) -> None:
        super().__init__(
            f"{path} at byte {offset}: {problem}; restore the file from a copy. Records before it can be read; "
            f"those after it with the next segment's name as the position to read after"
        )
        self.path = path
        self.offset = offset


class LogBroken(Exception):
    """A write failed in a way that leaves open what is on disk: the log must be opened anew."""
