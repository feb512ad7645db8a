"""What every epoch gave, for TensorBoard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol


class Board(Protocol):
    """Where the values of an epoch are shown."""

    def show(self, number: int, values: Mapping[str, float]) -> None:
        """Shows values by name, such as loss, of the epoch of that number, from 0."""


class NoBoard:
    """Shows nothing."""

    def show(self, number: int, values: Mapping[str, float]) -> None:
        """Does nothing; see `Board`."""


class EventFiles:
    """Writes TensorBoard's event files; what was shown is in them when `show` returns."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer

    def show(self, number: int, values: Mapping[str, float]) -> None:
        """Writes values; see `Board`."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, number)
        self._writer.flush()


@contextmanager
def open_board(folder: Path | None, settings: str, epochs: int = 0) -> Iterator[Board]:
    """Gives a board; one that shows nothing without a folder, or where the `tensorboard` package is not installed.

    Args:
        folder: For the event files of one stage; made where it is missing.
        settings: Shown beside the curves, as text.
        epochs: How many epochs a resumed fit has behind it: what was shown of later ones is replaced.
    """
    writer_type = _writer_type() if folder else None
    if writer_type is None:
        yield NoBoard()
        return
    with writer_type(str(folder), purge_step=epochs) as writer:
        # Markdown shows what is indented as it is.
        writer.add_text("settings", "\n".join(f"    {line}" for line in settings.splitlines()), epochs)
        yield EventFiles(writer)


def _writer_type() -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - an extra, and slow to import
    except ImportError:
        return None
    return SummaryWriter
