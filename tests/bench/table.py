"""The result for people: each line beside the ceiling."""

from collections.abc import Iterator, Mapping
from typing import Any

#: Of lines, in the order of the table.
GROUPS = ("ceiling", "closed loop", "open loop", "closed loop, batching off")

_PROCESSES = ("load", "gateway", "feature_store", "recall", "ranking")


def lines(result: Mapping[str, Any]) -> Iterator[str]:
    """Yields the tables of one catalogue size."""
    ceiling = result["ceiling"]["two processes"]["answers_per_second"]
    kept = "kept awake" if result["awake"] else "that may sleep"
    yield f"{result['items']:,} items, {result['users']:,} users, {result['results']} results; {result['machine']}; CPUs {kept}"
    yield f"{'':34}{'req/s':>8}{'ratio':>7}{'p50 ms':>9}{'p90 ms':>9}{'p99 ms':>9}{'errors':>8}{'degraded':>10}"
    for group in GROUPS:
        for name, one in result[group].items():
            latency = one["latency_ms"]
            yield (
                f"{f'{group}, {name}':34}{one['answers_per_second']:8.1f}{one['answers_per_second'] / ceiling:7.2f}"
                f"{latency['p50']:9.2f}{latency['p90']:9.2f}{latency['p99']:9.2f}{one['errors']:8}{one['degraded']:10}"
            )
    yield ""
    yield from _costs(result)
    yield ""
    for name, value in result["ratios"].items():
        yield f"{name:76}{value:8.2f}"


def _costs(result: Mapping[str, Any]) -> Iterator[str]:
    yield f"{'CPU-milliseconds an answer':34}" + "".join(f"{name:>14}" for name in (*_PROCESSES, "all"))
    for group in GROUPS[1:]:
        for name, one in result[group].items():
            cpu = [one["cpu_ms"].get(process, 0.0) for process in _PROCESSES]
            yield f"{f'{group}, {name}':34}" + "".join(f"{value:14.3f}" for value in (*cpu, sum(cpu)))
    yield ""
    methods = list(next(iter(result["closed loop"].values()))["batch_sizes"])
    yield f"{'questions in a batch':34}" + "".join(f"{method:>14}" for method in methods)
    for name, one in result["closed loop"].items():
        sizes = "".join(f"{one['batch_sizes'].get(method, 0.0):14.2f}" for method in methods)
        yield f"{f'closed loop, {name}':34}{sizes}"
    yield ""
    yield f"{'memory, MiB':34}" + "".join(f"{name:>14}" for name in result["memory"])
    for kind in ("resident", "private"):
        yield f"{kind:34}" + "".join(f"{one[kind]:14.1f}" for one in result["memory"].values())
