"""What a command says when it is run to its end."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE

DEADLINE_SECONDS = 60.0


async def output_of(*arguments: str) -> tuple[int, str, str]:
    """Runs `winnow` to its end; returns the exit status, stdout and stderr."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.cli", *arguments), stdout=PIPE, stderr=PIPE
    )
    async with asyncio.timeout(DEADLINE_SECONDS):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()
