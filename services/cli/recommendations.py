"""Recommended items as a table, with how they came about in plain words."""

from collections.abc import Iterator
from dataclasses import asdict

from rich.markup import escape
from rich.table import Table

from services.cli.output import console, print_json
from winnow.client import Degradation, Recommendation, RecommendResult

_STAGES = {
    "user_features": "the user's history and attributes",
    "recall": "finding candidates",
    "filter": "filtering",
    "candidate_features": "the candidates' features",
    "ranking": "ranking",
    "select": "choosing the items",
}
_REASONS = {
    "unavailable": "the service cannot be reached",
    "deadline": "it took too long",
    "snapshot": "the service holds another snapshot",
    "overloaded": "the service has too much to do",
    "error": "the service failed",
}


def show(result: RecommendResult, as_json: bool) -> None:
    """Prints the items and, below, the snapshot, the request, the time of each stage and what is degraded."""
    if as_json:
        print_json(asdict(result))
        return
    screen = console()
    if result.items:
        screen.print(items_table(result.items))
    else:
        screen.print("No item fits: the filters and exclusions leave none.")
    if result.known_user is False:
        screen.print("Nobody knows this user yet: the items rest on the session, the attributes, or what is popular.")
    for degradation in result.degradations:
        screen.print(f"[yellow]Degraded[/]: {escape(in_words(degradation))}")
    for line in how_it_came_about(result):
        screen.print(f"[dim]{escape(line)}[/]")


def how_it_came_about(result: RecommendResult) -> Iterator[str]:
    """Returns lines with the snapshot, the request, the experiment arm and the time of each stage."""
    arm = f" · experiment arm {result.experiment_arm}" if result.experiment_arm else ""
    yield f"snapshot {result.snapshot_id} · request {result.request_id}{arm}"
    if result.timings:
        yield ", ".join(f"{timing.stage} {timing.seconds * 1000:.1f} ms" for timing in result.timings)


def items_table(items: tuple[Recommendation, ...]) -> Table:
    """Returns a table with a line for each item, best first."""
    table = Table(box=None, pad_edge=False)
    table.add_column("", justify="right", style="dim")
    table.add_column("item", style="dim")
    table.add_column("title", style="bold")
    table.add_column("categories")
    table.add_column("score", justify="right")
    table.add_column("found by", style="dim")
    for rank, item in enumerate(items, start=1):
        found_by = "popular (backfill)" if item.backfilled else ", ".join(hit.channel for hit in item.channels)
        table.add_row(
            str(rank), escape(item.item_id), escape(item.title), escape(", ".join(item.categories)),
            f"{item.score:.3f}", escape(found_by),
        )  # fmt: skip
    return table


def in_words(degradation: Degradation) -> str:
    """Returns what the answer does without, and why."""
    stage = _STAGES.get(degradation.stage, degradation.stage)
    channel = f" through the channel {degradation.channel!r}" if degradation.channel else ""
    return f"done without {stage}{channel}, because {_REASONS.get(degradation.reason, degradation.reason)}."
