"""Work that a signal ends."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from services.cli.supervisor.foreground import until_signal


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_the_work_after_its_cleaning_up(number: signal.Signals) -> None:
    """It is no error, and what the work has to clean up is waited for, whatever further signals come."""
    steps: list[str] = []

    async def work() -> None:
        try:
            os.kill(os.getpid(), number)
            await asyncio.Event().wait()
        finally:
            os.kill(os.getpid(), number)
            for _ in range(20):  # turns of the loop, in which the second signal arrives
                await asyncio.to_thread(lambda: None)
            steps.append("clean")

    await until_signal(work())
    assert steps == ["clean"]


async def test_work_that_ends_by_itself_needs_no_signal() -> None:
    """Its error passes through as well."""

    async def work() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await until_signal(work())
