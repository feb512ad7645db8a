"""Ranking through the Open Inference Protocol beside Triton's Python backend: `python -m tests.bench.inference`."""

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.peers.environments import DEBIAN_PYTHON, EnvironmentMissing, client_python, triton_python
from tests.bench.peers.measuring import Client, Measurement, MeasurementFailed
from tests.bench.peers.ranking_requests import ranking_requests
from tests.bench.peers.servers import Model, Server
from tests.bench.peers.triton import pytriton, triton
from tests.bench.peers.winnow import WINNOW, winnow
from tests.bench.workload.snapshot import Prepared, prepare

_EXPLANATION = f"""All servers run the same ONNX file with the same threads and answer the same requests of the same
client, in turns, in a closed loop, on this machine, whose processors ({os.cpu_count()}) they share with the client. Every
configuration of Triton, of one process that scores and of two, is tried at each number in flight, and the fastest there
is the one that is compared. Winnow has one configuration for all."""

#: How far, absolutely and relatively, the scores of two servers may be apart.
TOLERANCE = 1e-4

#: What Winnow is to reach, as a multiple of Triton's Python backend.
GOAL = 2.0

_SERVERS = ["winnow", "pytriton", "triton"]
#: Of the workload whose ranker is compared; the ranker is the same at every size.
_ITEMS = 10_000
_REQUESTS = 32
_TRIAL_SECONDS = 1.5


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and prints."""
    given = _parser().parse_args(arguments)
    given.root = given.root.resolve()  # the servers have working directories of their own
    try:
        with tempfile.TemporaryDirectory() as temporary:
            result = _measure(given, Path(temporary))
    except (EnvironmentMissing, MeasurementFailed) as problem:
        sys.exit(f"No comparison: {problem}")
    _say(*_lines(result))
    if given.out is not None:
        given.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def _measure(given: argparse.Namespace, folder: Path) -> dict[str, Any]:
    prepared = prepare(given.root, _ITEMS)
    requests: Mapping[str, Any] = ranking_requests(prepared.workload, _REQUESTS, given.candidates)
    np.savez(folder / "requests.npz", **requests)
    client = Client(client_python(given.root), folder / "requests.npz", folder)
    with ExitStack() as stack:
        servers = [stack.enter_context(server) for server in _servers(given, prepared, folder)]
        try:
            _check_scores(client, servers)
            measured = _in_turns(client, servers, given)
        except MeasurementFailed as failure:
            raise MeasurementFailed(f"{failure}\n{_last_lines(folder)}") from failure
    return {
        "candidates": given.candidates,
        "threads": given.threads,
        "seconds": given.seconds * given.rounds,
        "processors": os.cpu_count(),
        "in_flight": measured,
        "ratios": {in_flight: _ratios(by_server) for in_flight, by_server in measured.items()},
    }


def _ratios(by_server: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Returns Winnow's rate as a multiple of each other's: the median over the rounds, in which both met much the same."""
    rates = {name: one["answers_per_second_by_round"] for name, one in by_server.items()}
    ours = rates.pop(WINNOW, None)
    if ours is None:
        return {}
    return {
        name: round(statistics.median(our / their for our, their in zip(ours, theirs, strict=True)), 2)
        for name, theirs in rates.items()
    }


def _servers(given: argparse.Namespace, prepared: Prepared, folder: Path) -> Iterator[AbstractContextManager[Server]]:
    """Yields the servers that are asked for, each as a context that starts it."""
    if "winnow" in given.servers:
        yield winnow(prepared.repository.root, given.winnow_flags, folder)
    onnx = prepared.repository.folder(prepared.manifest.id) / prepared.manifest.ranker.model
    for name, start in (("pytriton", pytriton), ("triton", triton)):
        if name in given.servers:
            yield start(triton_python(given.root, given.triton_python), onnx, given.threads, folder)


def _check_scores(client: Client, servers: Sequence[Server]) -> None:
    """Checks that every configuration of every server gives the same scores: only then are they comparable."""
    expected = None
    for server in servers:
        for model in server.models:
            scores = client.scores(server, model)
            expected = scores if expected is None else expected
            if scores.shape != expected.shape or not np.allclose(scores, expected, rtol=TOLERANCE, atol=TOLERANCE):
                raise MeasurementFailed(f"{server.name}, {model.described}, gives other scores than {servers[0].name}")
    _say(f"all servers give the same scores within {TOLERANCE:g} for {_REQUESTS} requests")


def _in_turns(client: Client, servers: Sequence[Server], given: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Measures each server after the other, round by round, so that whatever else the machine does meets them all."""
    measured: dict[str, dict[str, Any]] = {}
    for in_flight in given.in_flight:
        chosen = [_fastest(client, server, in_flight) for server in servers]
        taken: list[list[Measurement]] = [[] for _ in servers]
        for _ in range(given.rounds):
            for rounds, server, model in zip(taken, servers, chosen, strict=True):
                rounds.append(client.load(server, model, in_flight, given.warm_up, given.seconds))
        measured[str(in_flight)] = {
            server.name: {
                "configuration": model.described,
                **sum(rounds, Measurement()).as_json(),
                "answers_per_second_by_round": [round(one.per_second, 1) for one in rounds],
            }
            for server, model, rounds in zip(servers, chosen, taken, strict=True)
        }
    return measured


def _fastest(client: Client, server: Server, in_flight: int) -> Model:
    """Returns the configuration with which a server answers most, from a short trial of each."""
    if len(server.models) == 1:
        return server.models[0]
    rates = {
        model: client.load(server, model, in_flight, warm_up=1.0, seconds=_TRIAL_SECONDS).per_second
        for model in server.models
    }
    tried = ", ".join(f"{model.described} {rate:.0f}/s" for model, rate in rates.items())
    _say(f"{server.name}, {in_flight} in flight: {tried}")
    return max(rates, key=lambda model: rates[model])


def _lines(result: dict[str, Any]) -> Iterator[str]:
    yield (
        f"{result['candidates']} candidates a request, {result['processors']} processors, {result['seconds']:g} s each"
    )
    yield (
        f"{'in flight':>9}  {'server':18}{'configuration':24}{'req/s':>8}{'p50 ms':>9}{'p99 ms':>9}"
        f"{'server':>9}{'client':>8}{'others':>8}{'errors':>8}{'ratio':>9}"
    )
    yield f"{'':77}{'CPU ms':>9}{'CPU ms':>8}{'CPUs':>8}{'':8}{'Winnow :':>9}"
    for in_flight, by_server in result["in_flight"].items():
        for name, one in by_server.items():
            ratio = result["ratios"][in_flight].get(name, "")
            yield (
                f"{in_flight:>9}  {name:18}{one['configuration']:24}{one['answers_per_second']:8.0f}"
                f"{one['latency_ms']['p50']:9.2f}{one['latency_ms']['p99']:9.2f}{one['server_cpu_ms']:9.2f}"
                f"{one['client_cpu_ms']:8.2f}{one['processors_busy_otherwise']:8.2f}"
                f"{sum(one['errors'].values()):8}{ratio:>9}"
            )
    for name in sorted({name for ratios in result["ratios"].values() for name in ratios}):
        best = max(ratios[name] for ratios in result["ratios"].values())
        least = min(ratios[name] for ratios in result["ratios"].values())
        verdict = "reached" if least >= GOAL else "reached at some loads" if best >= GOAL else "missed"
        yield f"{GOAL:g}x {name}: {verdict} ({least:.2f} to {best:.2f})"


def _last_lines(folder: Path) -> str:
    """Returns the end of each server's log, where there is one."""
    logs = {log.stem: log.read_text(errors="replace").splitlines()[-8:] for log in sorted(folder.glob("*.log"))}
    return "\n".join(f"{name}: {line}" for name, lines in logs.items() for line in lines)


def _say(*lines: str) -> None:
    for line in lines:
        print(line, flush=True)  # noqa: T201 - the result


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.inference", description=f"{__doc__}\n{_EXPLANATION}")
    parser.add_argument("--in-flight", type=int, nargs="+", default=[1, 8, 32], help="default: 1 8 32")
    parser.add_argument("--seconds", type=float, default=4.0, help="of one measurement (default: %(default)s)")
    parser.add_argument("--warm-up", type=float, default=1.0, help="before each (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each server (default: %(default)s)")
    parser.add_argument("--candidates", type=int, default=500, help="of one request (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="of one run under Triton (default: %(default)s)")
    parser.add_argument("--servers", nargs="+", choices=_SERVERS, default=_SERVERS, help="default: all")
    parser.add_argument(
        "--winnow-flags", default="--workers 2", help="how ranking is configured (default: %(default)s)"
    )
    parser.add_argument(
        "--root", type=Path, default=Path("var/bench"), help="for environments and the workload (default: %(default)s)"
    )
    parser.add_argument("--triton-python", type=Path, default=DEBIAN_PYTHON, help="default: %(default)s")
    parser.add_argument("--out", type=Path, help="write the result as JSON")
    return parser


if __name__ == "__main__":
    main()
