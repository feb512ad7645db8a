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
from shared.snapshot.repository import SnapshotRepository
from tests.bench.in_process import measure_ceiling

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
    folder = repository.folder(manifest.id)
    per_second, latencies = await measure_ceiling(folder, manifest, dataset, given.seconds)
    result: dict[str, Any] = {
        "items": manifest.items,
        "users": len(dataset.users),
        "snapshot": manifest.id,
        "ceiling": {"answers_per_second": round(per_second, 1), "latency_ms": latencies.percentiles().as_dict()},
        "suite": {},
    }
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        users = root / "users.txt"
        users.write_text("\n".join(user.id for user in dataset.users), encoding="utf-8")
        ports = SuitePorts.free()
        async with Supervisor(suite_programs(root, ports, snapshots=repository.root)):
            await asyncio.to_thread(user_import.import_all, dataset, ports.target("feature_store"))
            for in_flight in given.in_flight:
                result["suite"][str(in_flight)] = await _load(ports, users, in_flight, given.seconds)
    return result


async def _load(ports: SuitePorts, users: Path, in_flight: int, seconds: float) -> dict[str, Any]:
    """Loads the suite from a process of its own, as any other caller would."""
    out = users.with_name(f"load-{in_flight}.json")
    command = [
        *(sys.executable, "-m", "tests.load", "--target", ports.target("gateway"), "--users", f"@{users}"),
        *("--in-flight", str(in_flight), "--seconds", str(seconds), "--warmup", "2", "--out", str(out)),
    ]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
    if await process.wait():
        raise Failure(f"The load generator ended with status {process.returncode}; it has said why.")
    measured = json.loads(out.read_text(encoding="utf-8"))
    return {
        "answers_per_second": measured["answers_per_second"],
        "latency_ms": measured["latency_ms"],
        "errors": measured["calls"] - measured["answers"],
        "degraded": measured["degraded_answers"],
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
