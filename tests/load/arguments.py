"""The command line of the load generator."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tests.load.arrivals import Bounds
from tests.load.gateway import is_loopback
from tests.load.ids import Distribution, read_ids
from tests.load.requests import read_mix

_Value = TypeVar("_Value")

# What `make run` generates; the ids are real then, and the answers are not all for strangers.
_DATA = Path("var/data")

_EXAMPLES = """examples:
  python -m tests.load --in-flight 32 --seconds 30
  python -m tests.load --rate 500 --seconds 60 --users @var/data/users.jsonl --distribution zipf
  python -m tests.load --rate 200 --mix recommend=90,similar=5,record=5 --out load.json
"""


@dataclass(frozen=True)
class Plan:
    """What one process is to do; exactly one of `in_flight` and `rate` is set."""

    target: str
    timeout: float
    bounds: Bounds
    in_flight: int | None
    rate: float | None
    max_in_flight: int
    users: Sequence[str]
    items: Sequence[str]
    distribution: Distribution
    exponent: float
    mix: dict[str, float]
    max_results: int
    seed: int


@dataclass(frozen=True)
class Options:
    """The whole command: a plan for each process, and where the result goes."""

    plans: tuple[Plan, ...]
    out: Path | None
    described: dict[str, object]


def read_arguments(arguments: Sequence[str] | None = None) -> Options:
    """Reads the command line.

    Raises:
        SystemExit: it is wrong (status 2), or help was asked for.
    """
    parser = _parser()
    given = parser.parse_args(arguments)
    if not given.allow_remote and not is_loopback(given.target):
        parser.error(f"{given.target} is not this machine; load what is yours alone, and say so with --allow-remote")
    shared = given.requests if given.rate else min(given.requests, given.in_flight)
    if given.processes > shared:
        parser.error("there are more processes than calls to share among them")
    left_out = {"out", "allow_remote", *(("in_flight",) if given.rate else ("rate", "max_in_flight"))}
    described = {name: value for name, value in vars(given).items() if name not in left_out}
    return Options(tuple(_plan(given, number) for number in range(given.processes)), given.out, described)


def _plan(given: argparse.Namespace, number: int) -> Plan:
    share = 1 / given.processes
    return Plan(
        target=given.target,
        timeout=given.timeout,
        bounds=Bounds(given.warmup, given.seconds, _part(given.requests, given.processes, number)),
        in_flight=None if given.rate else _part(given.in_flight, given.processes, number),
        rate=given.rate * share if given.rate else None,
        max_in_flight=max(1, int(given.max_in_flight * share)),
        users=read_ids(given.users),
        items=read_ids(given.items),
        distribution=given.distribution,
        exponent=given.exponent,
        mix=read_mix(given.mix),
        max_results=given.max_results,
        seed=given.seed + number,
    )


def _part(whole: int, parts: int, number: int) -> int:
    """The size of one of `parts` parts that are as equal as can be."""
    return whole // parts + (number < whole % parts)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.load",
        description="Load a running gateway and measure what its callers see.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_loop_options(parser)
    _add_request_options(parser)
    return parser


def _add_loop_options(parser: argparse.ArgumentParser) -> None:
    target = os.environ.get("WINNOW_TARGET", "localhost:50051")
    parser.add_argument("--target", default=target, help="the gateway [env: WINNOW_TARGET] (default: %(default)s)")
    parser.add_argument("--allow-remote", action="store_true", help="load another machine than this one")
    loop = parser.add_mutually_exclusive_group()
    loop.add_argument("--in-flight", type=_positive(int), default=16, metavar="N",
                      help="closed loop: keep N calls in flight (default: %(default)s)")  # fmt: skip
    loop.add_argument("--rate", type=_positive(float), metavar="R",
                      help="open loop: R calls a second, whatever becomes of them; latency counts from when each was due")  # fmt: skip
    parser.add_argument("--seconds", type=_positive(float), default=30.0, help="how long to measure (default: 30)")
    parser.add_argument("--requests", type=_positive(int), default=1_000_000, metavar="N",
                        help="make at most N calls (default: %(default)s)")  # fmt: skip
    parser.add_argument("--warmup", type=_not_negative, default=3.0, metavar="SECONDS",
                        help="call for this long before measuring (default: 3)")  # fmt: skip
    parser.add_argument("--timeout", type=_positive(float), default=2.0, metavar="SECONDS",
                        help="deadline of a call (default: 2)")  # fmt: skip
    parser.add_argument("--max-in-flight", type=_positive(int), default=10_000, metavar="N",
                        help="open loop: hold back calls beyond N; they are measured all the same (default: %(default)s)")  # fmt: skip
    parser.add_argument("--processes", type=_positive(int), default=1, metavar="N",
                        help="share the load among N processes (default: 1)")  # fmt: skip
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the result as JSON")


def _add_request_options(parser: argparse.ArgumentParser) -> None:
    forms = "a range 1-6040, a file @ids.txt or @users.jsonl, or a,b,c"
    parser.add_argument(
        "--users", type=_checked(read_ids), default=_generated("users"), help=f"users: {forms} (default: %(default)s)"
    )
    parser.add_argument(
        "--items", type=_checked(read_ids), default=_generated("items"), help="items, likewise (default: %(default)s)"
    )
    parser.add_argument("--distribution", choices=("uniform", "zipf"), default="uniform",
                        help="how users and items are drawn (default: %(default)s)")  # fmt: skip
    parser.add_argument("--exponent", type=_positive(float), default=1.0, help="of zipf (default: 1)")
    parser.add_argument("--mix", type=_checked(read_mix), default="recommend=1",
                        help="shares of the RPCs recommend, similar and record (default: %(default)s)")  # fmt: skip
    parser.add_argument(
        "--max-results", type=_positive(int), default=10, metavar="N", help="items to ask for (default: 10)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of what is drawn (default: 0)")


def _generated(name: str) -> str:
    path = _DATA / f"{name}.jsonl"
    return f"@{path}" if path.is_file() else "1-1000"


def _positive(kind: Callable[[str], _Value]) -> Callable[[str], _Value]:
    def read(text: str) -> _Value:
        value = kind(text)
        if not value > 0:  # type: ignore[operator]  # numbers alone come here
            raise argparse.ArgumentTypeError(f"{text} is not above 0")
        return value

    return read


def _not_negative(text: str) -> float:
    value = float(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} is below 0")
    return value


def _checked(read: Callable[[str], object]) -> Callable[[str], str]:
    """Checks an option by reading it, and keeps its text, which the result is to quote."""

    def check(text: str) -> str:
        try:
            read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error
        return text

    return check
