"""`winnow retrain`."""

from pathlib import Path
from typing import Annotated

import typer


def retrain(
    log: Annotated[Path, typer.Option(metavar="FOLDER", help="The feature store's log.")],
    data: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="The data set that the log continues. [default: the log alone]"),
    ] = None,
    offline: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="An offline store to bring up to date and to read from: quicker, and it outlives the log's retention.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where snapshots are published.")] = Path("var/snapshots"),
    config: Annotated[
        Path | None, typer.Option(metavar="FILE.toml", help="The training configuration; its tables are the sections.")
    ] = None,
    event_weights: Annotated[
        str, typer.Option(metavar="TYPE=WEIGHT,...", help="How much events count as rewards.")
    ] = "",
    min_events: Annotated[int, typer.Option(min=1, help="Fewer new events than these are not worth a round.")] = 1,
    max_loss: Annotated[
        float,
        typer.Option(min=0, max=1, help="Share of the current snapshot's NDCG@10 that the new one may lose."),
    ] = 0.02,
    people: Annotated[int, typer.Option(min=1, help="People that the gate asks about at most.")] = 5_000,
    user_id_key_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The key by whose hashes the log has the users, if it does."),
    ] = None,
    every: Annotated[
        float, typer.Option(metavar="MINUTES", min=0, help="Go on with a round every so often; 0 runs one.")
    ] = 0.0,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show nothing but errors.")] = False,
) -> None:
    """Train on what was recorded, compare with the current snapshot, and go live with what is as good.

    Log, examples, training, offline gate and publishing in one step, without a hand on it: run it from a timer, or with
    --every. What it did is in retraining.jsonl beside the snapshots; a snapshot that did not pass is there too, and
    `winnow snapshot activate` makes it current all the same.

    \b
    Examples:
      winnow retrain --log var/store/log --data ml-1m
      winnow retrain --log var/store/log --offline var/offline --min-events 10000 --every 60
    """
    from services.cli.job_flags import as_flags
    from services.training.retraining.__main__ import main

    status = main(
        as_flags(
            log=log,
            data=data,
            offline=offline,
            out=out,
            config=config,
            event_weights=event_weights,
            min_events=min_events,
            max_loss=max_loss,
            people=people,
            user_id_key_file=user_id_key_file,
            every=every,
            quiet=quiet,
        )
    )
    # The job says 2 for what cannot be used; the command line keeps 2 for a wrong call.
    raise typer.Exit(1 if status else 0)
