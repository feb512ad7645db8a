"""What the suite reaches beside its ceiling: `make bench`."""

import argparse
import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from services.cli.supervisor import SleepNotPrevented, awake
from tests.bench.ceiling import Ceiling, running_ceiling
from tests.bench.measured import Measured
from tests.bench.rounds import Measure, Rounds, in_turns, ratio, together
from tests.bench.suite import UNBATCHED, Suite, machine, running_suite
from tests.bench.table import GROUPS, lines
from tests.bench.workload.shape import RESULTS
from tests.bench.workload.snapshot import Prepared, prepare

_EXPLANATION = """A seeded workload (64-dimensional clustered item vectors, 20 trees, 500 candidates, 32 user and 32 item
features, an MLP of 256 and 128, 20 results) is served in two ways: in one process and in two, each stage called as a
function on one thread (the ceiling), and by the suite as five processes, load generator included. Everything shares the
CPUs of this machine, so let nothing else run. What is compared is measured in turns, round by round. "ratio" is throughput
beside the ceiling of two processes; "at the pace of 1" is one process that is asked no more often than one caller, waiting
for each answer, asks the suite."""

#: A line of the table: its group, and its name there.
Line = tuple[str, str]

_CEILING, _CLOSED, _OPEN, _UNBATCHED = GROUPS
ONE_PROCESS: Line = (_CEILING, "one process")
TWO_PROCESSES: Line = (_CEILING, "two processes")
PACED: Line = (_CEILING, "at the pace of 1")
ALONE: Line = (_CLOSED, "1")

UNBATCHED_IN_FLIGHT = (1, 32)
SHARES = (0.5, 0.8)
WARMING_IN_FLIGHT = 8


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and prints."""
    given = _parser().parse_args(arguments)
    results = []
    with ExitStack() as context:
        stays_awake = given.awake and _stays_awake(context)
        for items in given.items:
            _say(f"preparing {items:,} items")
            prepared = prepare(given.root, items)
            result = _measure(prepared, given, stays_awake)
            results.append(result)
            for line in lines(result):
                print(line)  # noqa: T201 - the result
            if given.out is not None:
                given.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def _stays_awake(context: ExitStack) -> bool:
    """Keeps idle CPUs awake while the context is open, where that is allowed; returns whether it is."""
    try:
        context.enter_context(awake())
    except SleepNotPrevented as error:
        _say(str(error))
        return False
    return True


def _measure(prepared: Prepared, given: argparse.Namespace, stays_awake: bool) -> dict[str, Any]:
    result: dict[str, Any] = {
        "items": prepared.manifest.items,
        "users": len(prepared.workload.people),
        "results": RESULTS,
        "machine": machine(),
        "rounds": given.rounds,
        "seconds": given.seconds,
        "pinned": given.pin,
        "awake": stays_awake,
        "snapshot": {**prepared.manifest.metrics, **prepared.manifest.training},
    }
    return result | asyncio.run(_measure_in_turns(prepared, given))


async def _measure_in_turns(prepared: Prepared, given: argparse.Namespace) -> dict[str, Any]:
    """Measures the ceiling, the suite, and one whose batching is off."""
    snapshots, people = prepared.repository.root, prepared.workload.people
    with running_ceiling(snapshots, prepared.manifest.items, processes=2) as ceiling:
        async with (
            running_suite(snapshots, people, warmup=given.warmup, pin=given.pin) as suite,
            running_suite(snapshots, people, UNBATCHED, warmup=given.warmup, pin=given.pin) as without_batching,
        ):
            for one in (suite, without_batching):  # what was measured first would else be what ran on cold memory
                await one.closed_loop(WARMING_IN_FLIGHT, given.warmup)
            rounds = await in_turns(_measures(ceiling, suite, without_batching, given), given.rounds)
            measured = {line: together(some) for line, some in rounds.items()}
            most = max(measured[_CLOSED, str(number)].answers_per_second for number in given.in_flight)
            for share in SHARES:
                _say(f"{_OPEN}, {share:.0%} of {most:.0f}/s")
                measured[_OPEN, f"{share:.0%}"] = await suite.open_loop(share * most, given.rounds * given.seconds)
            memory = suite.memory()
    groups: dict[str, Any] = {group: {} for group in GROUPS}
    for (group, name), line in measured.items():
        groups[group][name] = line.as_dict()
    return {**groups, "memory": memory, "ratios": {name: round(value, 3) for name, value in _ratios(rounds)}}


def _measures(
    ceiling: Ceiling, suite: Suite, without_batching: Suite, given: argparse.Namespace
) -> dict[Line, Measure]:
    """Returns what is measured in a round, in its order: what is compared is next to each other."""
    wait = 0.0  # of a caller who is alone, in seconds

    async def in_process(processes: int, pace: float = 0.0) -> Measured:
        return await asyncio.to_thread(ceiling.measure, processes, given.seconds, pace)

    async def alone() -> Measured:
        nonlocal wait
        measured = await suite.closed_loop(1, given.seconds)
        wait = measured.latency_ms["p50"] / 1e3
        return measured

    async def paced() -> Measured:
        return await in_process(1, wait)

    measures: dict[Line, Measure] = {ONE_PROCESS: partial(in_process, 1)}
    for number in given.in_flight:
        if number == 1:
            measures |= {ALONE: alone, PACED: paced}
        else:
            measures[_CLOSED, str(number)] = partial(suite.closed_loop, number, given.seconds)
        if number in UNBATCHED_IN_FLIGHT:
            measures[_UNBATCHED, str(number)] = partial(without_batching.closed_loop, number, given.seconds)
    measures[TWO_PROCESSES] = partial(in_process, 2)
    return {line: partial(_told, line, measure) for line, measure in measures.items()}


async def _told(line: Line, measure: Measure) -> Measured:
    _say(", ".join(line))
    return await measure()


def _ratios(rounds: Mapping[Line, Rounds]) -> Iterator[tuple[str, float]]:
    if (many := rounds.get((_CLOSED, "64"))) is not None:
        yield "throughput at 64 in flight / ceiling of two processes", ratio(many, rounds[TWO_PROCESSES], _throughput)
    for number in map(str, UNBATCHED_IN_FLIGHT):
        if (other := rounds.get((_UNBATCHED, number))) is not None:
            value = ratio(rounds[_CLOSED, number], other, _throughput)
            yield f"throughput at {number} in flight / the same with batching off", value
    if (lone := rounds.get(ALONE)) is not None:
        yield "p50 at 1 in flight / p50 in one process", ratio(lone, rounds[ONE_PROCESS], _p50)
        yield "p50 at 1 in flight / p50 in one process at that pace", ratio(lone, rounds[PACED], _p50)
    if (some := rounds.get((_CLOSED, "16"))) is not None:
        latency = together(some).latency_ms
        yield "p99 / p50 at 16 in flight", latency["p99"] / latency["p50"]


def _throughput(measured: Measured) -> float:
    return measured.answers_per_second


def _p50(measured: Measured) -> float:
    return measured.latency_ms["p50"]


def _say(what: str) -> None:
    print(f"... {what}", flush=True)  # noqa: T201 - minutes pass


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=f"{__doc__}\n{_EXPLANATION}")
    parser.add_argument("--items", type=int, nargs="+", default=[100_000, 1_000_000], help="default: 100000 1000000")
    parser.add_argument("--in-flight", type=int, nargs="+", default=[1, 8, 16, 32, 64], help="default: 1 8 16 32 64")
    parser.add_argument("--rounds", type=int, default=4, help="how often each is measured (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=2.0, help="for each measurement (default: %(default)s)")
    parser.add_argument("--warmup", type=float, default=1.0, help="seconds before each (default: %(default)s)")
    parser.add_argument(
        "--root", type=Path, default=Path("var/bench"), help="where workloads are kept (default: %(default)s)"
    )
    parser.add_argument(
        "--pin",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="keep each service to CPUs of its own, as `winnow serve --pin` does (default: yes)",
    )
    parser.add_argument(
        "--awake",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="keep idle CPUs awake meanwhile where that is allowed, as `winnow serve --awake` does (default: yes)",
    )
    parser.add_argument("--out", type=Path, help="write the result as JSON")
    return parser


if __name__ == "__main__":
    main()
