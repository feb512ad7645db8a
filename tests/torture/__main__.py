"""Kills a feature store again and again while events are recorded: `python -m tests.torture --kills 100`.

After each kill the store is opened: no acknowledged event may be missing, none may be there twice, and the log and the
store must say the same. Prints the checksums of both; ends with status 1 at the first difference.
"""

import argparse
import asyncio
import random
import tempfile
from collections import Counter
from pathlib import Path

from shared.logs import configure_logs
from tests.service_process import ServiceProcess, started
from tests.snapshot_factory import build_snapshot
from tests.torture.agreement import BOUNDS, Found, look_at
from tests.torture.callers import Callers


def main(arguments: list[str] | None = None) -> None:
    """Kills and checks; exit status 1 where something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--durability", choices=["disk", "process"], default="disk", help="default: %(default)s")
    given = parser.parse_args(arguments)
    configure_logs("torture", "error")
    with tempfile.TemporaryDirectory() as folder:
        torture(Path(folder), given.kills, given.seed, given.durability)


def torture(folder: Path, kills: int, seed: int, durability: str = "disk") -> int:
    """Kills a store so many times, and returns how many events were acknowledged in all.

    Raises:
        SystemExit: an acknowledged event is missing, one is there twice, or the log and the store differ.
    """
    build_snapshot(folder / "snapshots")
    callers = Callers(seed)
    moments = random.Random(seed)  # noqa: S311 - reproducible, not secret
    for number in range(1, kills + 1):
        with started("services.feature_store", *_flags(folder, durability)) as process:
            target = f"127.0.0.1:{process.wait_for('ready')['port']}"
            asyncio.run(_call_and_kill(callers, target, process, after_seconds=moments.uniform(0.0, 0.4)))
        found = look_at(folder / "store")
        print(  # noqa: T201 - the result
            f"kill {number}: {len(callers.acknowledged)} events acknowledged, {len(found.events)} in the log; "
            f"{found.replayed_bytes} bytes replayed; log {found.log_checksum}, store {found.store_checksum}",
            flush=True,
        )
        if problem := problem_of(found, callers):
            raise SystemExit(problem)
    return len(callers.acknowledged)


def problem_of(found: Found, callers: Callers) -> str | None:
    """Returns what is wrong with what a store left, None where nothing is."""
    if missing := callers.acknowledged - set(found.events):
        return f"{len(missing)} acknowledged events are lost, such as {min(missing)}"
    if twice := [key for key, times in Counter(found.events).items() if times > 1]:
        return f"{len(twice)} events were applied twice, such as {min(twice)}"
    if late := [user for user, at_ms in callers.attributes.items() if found.attributes.get(user, 0) < at_ms]:
        return f"acknowledged attributes of {late} are lost"
    if found.log_checksum != found.store_checksum:
        return "the log and the store differ"
    return None


def _flags(folder: Path, durability: str) -> list[str]:
    return [
        "--path", str(folder / "store"), "--snapshot-dir", str(folder / "snapshots"), "--durability", durability,
        "--max-history", str(BOUNDS.history), "--max-seen", str(BOUNDS.seen),
        "--seen-filter-items", str(BOUNDS.filtered), "--log-segment-bytes", str(1 << 20),
    ]  # fmt: skip


async def _call_and_kill(callers: Callers, target: str, process: ServiceProcess, after_seconds: float) -> None:
    killed = asyncio.Event()

    async def kill() -> None:
        await asyncio.sleep(after_seconds)
        killed.set()
        process.kill()

    await asyncio.gather(callers.call_until(target, killed), kill())


if __name__ == "__main__":
    main()
