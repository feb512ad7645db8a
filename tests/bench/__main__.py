"""What the suite reaches beside its ceiling: `make bench`."""

import argparse
import asyncio
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.bench.ceiling import ONE_THREAD, measure_ceiling
from tests.bench.measured import Measured
from tests.bench.suite import UNBATCHED, machine, running_suite
from tests.bench.table import lines
from tests.bench.workload.shape import RESULTS
from tests.bench.workload.snapshot import Prepared, prepare

_EXPLANATION = """A seeded workload (64-dimensional clustered item vectors, 20 trees, 500 candidates, 32 user and 32 item
features, an MLP of 256 and 128, 20 results) is served in two ways: in one process and in two, each stage called as a
function on one thread (the ceiling), and by the suite as five processes, load generator included. Everything shares the
CPUs of this machine, so let nothing else run. "ratio" is throughput beside the ceiling of two processes."""

UNBATCHED_IN_FLIGHT = (1, 32)
SHARES = (0.5, 0.8)
WARMING_IN_FLIGHT = 8


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and prints."""
    given = _parser().parse_args(arguments)
    results = []
    for items in given.items:
        _say(f"preparing {items:,} items")
        prepared = prepare(given.root, items)
        result = _measure(prepared, given)
        results.append(result)
        for line in lines(result):
            print(line)  # noqa: T201 - the result
        if given.out is not None:
            given.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def _measure(prepared: Prepared, given: argparse.Namespace) -> dict[str, Any]:
    items = prepared.manifest.items
    environment = dict(os.environ)
    os.environ.update(ONE_THREAD)
    ceiling = {}
    for name, processes in (("one process", 1), ("two processes", 2)):
        _say(f"ceiling, {name}")
        ceiling[name] = measure_ceiling(prepared.repository.root, items, given.seconds, processes)
    os.environ.clear()
    os.environ.update(environment)
    result: dict[str, Any] = {
        "items": items,
        "users": len(prepared.workload.people),
        "results": RESULTS,
        "machine": machine(),
        "seconds": given.seconds,
        "pinned": given.pin,
        "snapshot": {**prepared.manifest.metrics, **prepared.manifest.training},
        "ceiling": _as_dicts(ceiling),
    }
    result |= asyncio.run(_measure_suite(prepared, given))
    result["ratios"] = _ratios(result)
    return result


async def _measure_suite(prepared: Prepared, given: argparse.Namespace) -> dict[str, Any]:
    """Measures the suite as it is, and in turns with it one whose batching is off: what is compared is measured together."""
    snapshots, people = prepared.repository.root, prepared.workload.people
    closed: dict[str, Measured] = {}
    unbatched: dict[str, Measured] = {}
    opened: dict[str, Measured] = {}
    async with (
        running_suite(snapshots, people, warmup=given.warmup, pin=given.pin) as suite,
        running_suite(snapshots, people, UNBATCHED, warmup=given.warmup, pin=given.pin) as without_batching,
    ):
        for one in (suite, without_batching):  # what was measured first would else be what ran on cold memory
            await one.closed_loop(WARMING_IN_FLIGHT, given.warmup)
        for number in given.in_flight:
            _say(f"closed loop, {number} in flight")
            closed[str(number)] = await suite.closed_loop(number, given.seconds)
            if number in UNBATCHED_IN_FLIGHT:
                _say(f"the same with batching off, {number} in flight")
                unbatched[str(number)] = await without_batching.closed_loop(number, given.seconds)
        most = max(one.answers_per_second for one in closed.values())
        for share in SHARES:
            _say(f"open loop, {share:.0%} of {most:.0f}/s")
            opened[f"{share:.0%}"] = await suite.open_loop(share * most, given.seconds)
        memory = suite.memory()
    return {
        "closed loop": _as_dicts(closed),
        "open loop": _as_dicts(opened),
        "closed loop, batching off": _as_dicts(unbatched),
        "memory": memory,
    }


def _ratios(result: dict[str, Any]) -> dict[str, float]:
    closed, unbatched = result["closed loop"], result["closed loop, batching off"]
    two, one = result["ceiling"]["two processes"], result["ceiling"]["one process"]

    def throughput(over: dict[str, Any], under: dict[str, Any]) -> float:
        return float(over["answers_per_second"] / under["answers_per_second"])

    ratios: dict[str, float] = {}
    if "64" in closed:
        ratios["throughput at 64 in flight / ceiling of two processes"] = throughput(closed["64"], two)
    for number, other in unbatched.items():
        ratios[f"throughput at {number} in flight / the same with batching off"] = throughput(closed[number], other)
    if "1" in closed:
        p50 = closed["1"]["latency_ms"]["p50"]
        ratios["p50 at 1 in flight / p50 in one process"] = p50 / one["latency_ms"]["p50"]
    if "16" in closed:
        latency = closed["16"]["latency_ms"]
        ratios["p99 / p50 at 16 in flight"] = latency["p99"] / latency["p50"]
    return {name: round(value, 3) for name, value in ratios.items()}


def _as_dicts(measured: dict[str, Measured]) -> dict[str, Any]:
    return {name: one.as_dict() for name, one in measured.items()}


def _say(what: str) -> None:
    print(f"... {what}", flush=True)  # noqa: T201 - minutes pass


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=f"{__doc__}\n{_EXPLANATION}")
    parser.add_argument("--items", type=int, nargs="+", default=[100_000, 1_000_000], help="default: 100000 1000000")
    parser.add_argument("--in-flight", type=int, nargs="+", default=[1, 8, 16, 32, 64], help="default: 1 8 16 32 64")
    parser.add_argument("--seconds", type=float, default=8.0, help="for each measurement (default: %(default)s)")
    parser.add_argument("--warmup", type=float, default=3.0, help="seconds before each (default: %(default)s)")
    parser.add_argument(
        "--root", type=Path, default=Path("var/bench"), help="where workloads are kept (default: %(default)s)"
    )
    parser.add_argument(
        "--pin",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="keep each service to CPUs of its own, as `winnow serve --pin` does (default: yes)",
    )
    parser.add_argument("--out", type=Path, help="write the result as JSON")
    return parser


if __name__ == "__main__":
    main()
