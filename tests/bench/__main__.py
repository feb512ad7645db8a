"""What the suite reaches, beside the ceiling: `make bench`, after `make run` has trained a snapshot."""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from services.cli import user_import
from services.cli.failure import Failure
from services.cli.supervisor import SuitePorts, Supervisor, suite_programs
from services.cli.trained import current_for
from services.training.datasets import Dataset
from shared.snapshot.repository import SnapshotRepository
from tests.bench.in_process import measure_ceiling
from tests.load.arguments import read_arguments
from tests.load.worker import run_all

_EXPLANATION = """It measures Recommend for the users of a data set, with ten results: first the ceiling, the same
snapshot and stages called in one process without RPC, then the suite as five processes, the load generator included,
in a closed loop. Services, load generator and ceiling share the CPUs of this machine."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and prints."""
    given = _parser().parse_args(arguments)
    try:
        result = asyncio.run(_measure(given))
    except Failure as failure:
        sys.exit(str(failure))
    for line in _lines(result):
        print(line)  # noqa: T201 - the result
    if given.out is not None:
        given.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


async def _measure(given: argparse.Namespace) -> dict[str, Any]:
    dataset = user_import.load(given.data)
    repository = SnapshotRepository(given.root / "snapshots")
    manifest = current_for(dataset, repository)
    per_second, latencies = await measure_ceiling(
        repository.folder(manifest.id), manifest, dataset, given.seconds
    )  # fmt: skip
    result: dict[str, Any] = {
        "items": manifest.items,
        "users": len(dataset.users),
        "snapshot": manifest.id,
        "ceiling": {"answers_per_second": round(per_second, 1), "latency_ms": latencies.percentiles().as_dict()},
        "suite": {},
    }
    with tempfile.TemporaryDirectory() as folder:
        ports = SuitePorts.free()
        programs = suite_programs(Path(folder), ports, snapshots=repository.root)
        async with Supervisor(programs):
            await asyncio.to_thread(user_import.import_all, dataset, ports.target("feature_store"))
            for in_flight in given.in_flight:
                result["suite"][str(in_flight)] = await asyncio.to_thread(_load, ports, dataset, in_flight, given)
    return result


def _load(ports: SuitePorts, dataset: Dataset, in_flight: int, given: argparse.Namespace) -> dict[str, Any]:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as users:
        users.write("\n".join(user.id for user in dataset.users))
        users.flush()
        options = read_arguments(
            [
                *("--target", ports.target("gateway"), "--users", f"@{users.name}", "--in-flight", str(in_flight)),
                *("--seconds", str(given.seconds), "--warmup", "2"),
            ]
        )
        tally = run_all(options.plans)
    return {
        "answers_per_second": round(tally.answers / tally.seconds, 1),
        "latency_ms": tally.overall().percentiles().as_dict(),
        "errors": tally.calls - tally.answers,
        "degraded": tally.degraded_answers,
    }


def _lines(result: dict[str, Any]) -> list[str]:
    ceiling = result["ceiling"]["answers_per_second"]
    lines = [
        f"{result['items']} items, {result['users']} users, snapshot {result['snapshot']}",
        f"{'':24}{'req/s':>9}{'ratio':>8}{'p50 ms':>9}{'p99 ms':>9}{'errors':>8}{'degraded':>10}",
        _line("ceiling, one process", result["ceiling"], ceiling),
    ]
    lines += [_line(f"suite, {number} in flight", one, ceiling) for number, one in result["suite"].items()]
    return lines


def _line(name: str, one: dict[str, Any], ceiling: float) -> str:
    latency = one["latency_ms"]
    per_second = one["answers_per_second"]
    return (
        f"{name:24}{per_second:9.1f}{per_second / ceiling:8.2f}{latency['p50']:9.2f}{latency['p99']:9.2f}"
        f"{one.get('errors', 0):8}{one.get('degraded', 0):10}"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=f"{__doc__}\n{_EXPLANATION}")
    parser.add_argument("--data", type=Path, default=Path("var/data"), help="the data set (default: %(default)s)")
    parser.add_argument("--root", type=Path, default=Path("var"), help="where the snapshots are (default: %(default)s)")
    parser.add_argument("--in-flight", type=int, nargs="+", default=[1, 8, 32], help="default: 1 8 32")
    parser.add_argument("--seconds", type=float, default=8.0, help="for each measurement (default: %(default)s)")
    parser.add_argument("--out", type=Path, help="write the result as JSON")
    return parser


if __name__ == "__main__":
    main()
