"""An evaluation for people, and the exit code for scripts."""

import json
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from services.cli.evaluation.outcome import Evaluation, Floors
from services.cli.failure import Failure
from services.cli.output import console, print_json


def show(found: Evaluation, *, as_json: bool, out: Path | None, check: bool) -> None:
    """Prints an evaluation, writes it, and checks it.

    Args:
        found: What to show.
        as_json: Print JSON instead of tables.
        out: Where to write the JSON as well.
        check: Whether to demand the floors.

    Raises:
        Failure: a floor is missed, or `out` cannot be written.
    """
    if as_json:
        print_json(found.as_json())
    else:
        screen = console()
        screen.print(
            f"{escape(found.dataset)}, snapshot {found.snapshot_id}: {found.users} users, each asked for what came next"
        )
        screen.print(_quality(found))
        screen.print(_indexes(found))
    if out is not None:
        try:
            out.write_text(json.dumps(found.as_json(), indent=2) + "\n")
        except OSError as error:
            raise Failure(f"{out} cannot be written: {error.strerror}.") from error
    if check and (missed := list(Floors().missed(found))):
        raise Failure("Not good enough. " + " ".join(missed))


def _quality(found: Evaluation) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("order")
    table.add_column("HR@10", justify="right")
    table.add_column("NDCG@10", justify="right")
    table.add_column("times popularity", justify="right")
    stages = (("gateway", found.gateway), ("recall alone", found.recall), ("popularity", found.popularity))
    for name, quality in stages:
        times = quality.hit_rate / found.popularity.hit_rate if found.popularity.hit_rate else float("inf")
        table.add_row(name, f"{quality.hit_rate:.4f}", f"{quality.ndcg:.4f}", f"{times:.2f}")
    return table


def _indexes(found: Evaluation) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("index")
    table.add_column("loses of exact search's 200", justify="right")
    for channel, loss in found.annoy_loss.items():
        table.add_row(escape(channel), f"{loss:.2%}")
    return table
