"""Calling the command as a terminal would."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from typer.testing import CliRunner

from services.cli.app import app


@dataclass(frozen=True)
class Outcome:
    """What a command printed and how it ended."""

    exit_code: int
    stdout: str
    stderr: str


def winnow(*arguments: str) -> Outcome:
    """Runs `winnow` with these arguments; an unexpected exception is raised rather than hidden."""
    result = CliRunner(env={"COLUMNS": "160", "TERM": "dumb"}).invoke(app, list(arguments), catch_exceptions=False)
    return Outcome(result.exit_code, result.stdout, result.stderr)


async def winnow_beside(*arguments: str) -> Outcome:
    """Runs `winnow` while servers of this event loop go on answering."""
    return await asyncio.to_thread(winnow, *arguments)
