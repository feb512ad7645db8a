"""The features of 500 items: what the feature store spends on them, and what a caller waits for, beside Feast."""

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from shared.logs import configure_logs
from shared.snapshot.repository import SnapshotRepository
from tests.bench.feast_lookup import FEAST_VERSION, FeastMissing, feast_python, measure_feast
from tests.bench.feature_snapshot import build_feature_snapshot
from tests.bench.servicer_cost import draw_rows, measure_servicer
from tests.bench.winnow_lookup import measure_winnow

_EXPLANATION = """It builds a snapshot of random features. Part (a): the time of the servicer from a parsed request to a
serialised answer, in this process and without RPC. Part (b): random rows from the feature store as a process over gRPC,
and the same rows from Feast's online store, in Feast's own process (no RPC at all: its best case) and from its HTTP server.
Feast is installed in an environment of its own below var/bench on first use. Winnow finds items by row and Feast by key,
as each does in service. Everything shares the CPUs of this machine."""

LOOKUPS = 1_000


def main(arguments: list[str] | None = None) -> None:
    """Measures and prints; exit status 1 where Feast was asked for and cannot be measured."""
    given = _parser().parse_args(arguments)
    configure_logs("bench", "error")
    with tempfile.TemporaryDirectory() as name:
        result = _measure(given, Path(name))
    for line in _lines(result):
        print(line)  # noqa: T201 - the result
    encoded = json.dumps(result, indent=1)
    print(encoded)  # noqa: T201
    if given.out is not None:
        given.out.write_text(encoded + "\n", encoding="utf-8")
    if problems := [
        f"Feast with {store}: {one['problem']}" for store, one in result["feast"].items() if "problem" in one
    ]:
        sys.exit("Feast was not measured: Winnow's figures stand alone.\n" + "\n".join(problems))


def _measure(given: argparse.Namespace, folder: Path) -> dict[str, Any]:
    build_feature_snapshot(folder / "snapshots", given.items, given.features, seed=0)
    matrix = SnapshotRepository(folder / "snapshots").folder("bench") / "item_features.npy"
    rows = draw_rows(given.items, given.rows, LOOKUPS)
    result: dict[str, Any] = {"items": given.items, "features": given.features, "rows": given.rows}
    result["servicer"] = asyncio.run(measure_servicer(folder / "snapshots", given.items, list(rows), given.calls))
    result["winnow"] = measure_winnow(folder, rows, np.load(matrix), given.in_flight, given.seconds)
    result["feast"] = {store: _feast(given, store, matrix, rows) for store in given.feast}
    fastest = max(one["per_second"] for one in result["winnow"].values())
    for measured in result["feast"].values():
        rates = [one["per_second"] for one in measured.values() if isinstance(one, dict)]
        if rates:  # the best of each
            measured["winnow_is_faster_by"] = round(fastest / max(rates), 1)
    return result


def _feast(given: argparse.Namespace, online_store: str, matrix: Path, rows: Any) -> dict[str, Any]:
    try:
        return measure_feast(
            feast_python(given.environments),
            online_store,
            matrix,
            rows,
            entities=min(given.items, given.feast_entities or given.items),
            in_flight=given.in_flight,
            seconds=given.seconds,
        )
    except FeastMissing as missing:
        return {"problem": str(missing)}


def _lines(result: dict[str, Any]) -> list[str]:
    costs = result["servicer"]
    lines = [
        f"{result['items']} items, {result['features']} features, {result['rows']} rows a look-up",
        f"(a) beyond RPC, p50: GetItems {costs['get_items']['p50_ms'] * 1e3:.1f} us, "
        f"GetUsers of 32 users {costs['get_users']['p50_ms'] * 1e3:.1f} us",
        f"(b) {'':40}{'p50 ms':>10}{'p99 ms':>10}{'look-ups/s':>12}",
        *(_line(f"Winnow, {name}", one) for name, one in result["winnow"].items()),
    ]
    for store, measured in result["feast"].items():
        named = {f"Feast, {store}, {name}": one for name, one in measured.items() if isinstance(one, dict)}
        lines += [_line(name, one) for name, one in named.items()]
        if "winnow_is_faster_by" in measured:
            entities = f"{measured['entities']} entities, written in {measured['write_seconds']} s"
            lines.append(f"    look-ups/s, best of each: {measured['winnow_is_faster_by']} times Feast's ({entities})")
    return lines


def _line(name: str, one: dict[str, Any]) -> str:
    return f"    {name:40}{one['p50_ms']:10.3f}{one['p99_ms']:10.3f}{one['per_second']:12.1f}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.feature_lookup", description=f"{__doc__}\n{_EXPLANATION}"
    )
    parser.add_argument("--items", type=int, default=100_000, help="default: %(default)s")
    parser.add_argument("--features", type=int, default=32, help="default: %(default)s")
    parser.add_argument("--rows", type=int, default=500, help="of a look-up (default: %(default)s)")
    parser.add_argument("--calls", type=int, default=3_000, help="of part (a) (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=5.0, help="for each measurement of (b) (default: %(default)s)")
    parser.add_argument("--in-flight", type=int, nargs="+", default=[1, 8], help="default: 1 8")
    parser.add_argument(
        "--feast", nargs="*", choices=["sqlite", "redis"], default=["sqlite"],
        help=f"online stores of Feast {FEAST_VERSION} to compare with; none for Winnow alone (default: sqlite)",
    )  # fmt: skip
    parser.add_argument("--feast-entities", type=int, help="write fewer entities to Feast than there are items")
    parser.add_argument("--environments", type=Path, default=Path("var/bench"), help="default: %(default)s")
    parser.add_argument("--out", type=Path, help="write the result as JSON")
    return parser


if __name__ == "__main__":
    main()
