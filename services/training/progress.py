"""Telling people how far a job is: bars on a terminal, log lines elsewhere, or nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

import structlog
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Advance = Callable[[str], None]
"""Says that one more step is done, with a few words about it (may be empty)."""


class ProgressDisplay(Protocol):
    """Follows a job through its stages."""

    def stage(self, name: str, steps: int) -> AbstractContextManager[Advance]:
        """Begins a stage of that many steps; the context gives what to call after each."""


class Silence:
    """Shows nothing."""

    @contextmanager
    def stage(self, name: str, steps: int) -> Iterator[Advance]:  # noqa: ARG002 - the Protocol's signature
        """Begins a stage; see `ProgressDisplay`."""
        yield lambda _note: None


class LogLines:
    """One line when a stage is done, and one for every step that has something to say."""

    def __init__(self) -> None:
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

    @contextmanager
    def stage(self, name: str, steps: int) -> Iterator[Advance]:  # noqa: ARG002 - the Protocol's signature
        """Begins a stage; see `ProgressDisplay`."""
        started = time.perf_counter()

        def advance(note: str) -> None:
            if note:
                self._log.info("progress", stage=name, note=note)

        yield advance
        self._log.info("stage done", stage=name, seconds=round(time.perf_counter() - started, 2))


class Bars:
    """A bar for each stage on a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def stage(self, name: str, steps: int) -> Iterator[Advance]:
        """Begins a stage; see `ProgressDisplay`."""
        columns = (
            TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            TimeRemainingColumn(), TextColumn("{task.fields[note]}"),
        )  # fmt: skip
        with Progress(*columns, console=self._console) as bars:
            task = bars.add_task(name, total=steps, note="")

            def advance(note: str) -> None:
                bars.advance(task)
                if note:
                    bars.update(task, note=note)

            yield advance


def display_for(console: Console, quiet: bool) -> ProgressDisplay:
    """Returns bars on a terminal, log lines elsewhere, and nothing when `quiet`."""
    if quiet:
        return Silence()
    return Bars(console) if console.is_terminal else LogLines()
