"""`winnow train`."""

from pathlib import Path
from typing import Annotated

import typer


def train(
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="The data set; docs/data.md has the formats. [default: generated, or the log alone]"
        ),
    ] = None,
    log: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="The feature store's log, which continues the data set.", show_default=False
        ),
    ] = None,
    offline: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="An offline store to bring up to date from --log and to read instead.",
            show_default=False,
        ),
    ] = None,
    user_id_key_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The key by whose hashes the log has the users, if it does.", show_default=False
        ),
    ] = None,
    event_weights: Annotated[
        str, typer.Option(metavar="TYPE=WEIGHT,...", help="How much events count as rewards, with --log.")
    ] = "",
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where snapshots are published.")] = Path("var/snapshots"),
    config: Annotated[
        Path | None, typer.Option(metavar="FILE.toml", help="The training configuration; its tables are the sections.")
    ] = None,
    recall: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL", help="Model of the first channel; `winnow models list` has all.", show_default=False
        ),
    ] = None,
    ranker: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="Ranking model; `winnow models list` has all.", show_default=False),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of every random choice.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Most epochs of the first channel's model.")] = None,
    threads: Annotated[int | None, typer.Option(min=0, help="For the arithmetic; 0 takes the CPU quota.")] = None,
    device: Annotated[
        str | None,
        typer.Option(metavar="auto|cpu|cuda", help="What models descend on.", show_default=False),
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(
            metavar="auto|float32|bfloat16|float16", help="Of products while models descend.", show_default=False
        ),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="For checkpoints and curves. [default: in .runs of --out]", show_default=False
        ),
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew, whatever checkpoints there are.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show nothing but errors.")] = False,
) -> None:
    """Train on a data set and publish a snapshot, which running services then move to.

    With --log the data set is continued by what was recorded: items, attributes and events join it, and the ranker also
    learns from what was shown and acted upon.

    A job that was killed goes on where it was when the same command is given again. The run.toml of a snapshot has
    every setting of it and what it was trained on; as --config it trains the same snapshot again.

    On several GPUs: torchrun --standalone --nproc-per-node 2 -m services.training, with the same options.

    \b
    Examples:
      winnow train --data ml-1m
      winnow train --data ml-1m --recall ease --ranker deepfm
      winnow train --config var/snapshots/20261121T112200Z-4eb434/run.toml
      winnow train --data ml-1m --log var/feature_store/data/log
      winnow train --data books --out /srv/winnow/snapshots --config training.toml --seed 3
    """
    from services.cli.job_flags import as_flags
    from services.training.__main__ import main

    if log is None and (offline or user_id_key_file or event_weights):
        raise typer.BadParameter("--offline, --user-id-key-file and --event-weights are for --log")
    status = main(
        as_flags(
            data=data,
            log=log,
            offline=offline,
            user_id_key_file=user_id_key_file,
            event_weights=event_weights or None,
            out=out,
            config=config,
            recall=recall,
            ranker=ranker,
            seed=seed,
            epochs=epochs,
            threads=threads,
            device=device,
            precision=precision,
            run=run,
            fresh=fresh,
            quiet=quiet,
        )
    )
    # The job says 2 for data that cannot be used; the command line keeps 2 for a wrong call.
    raise typer.Exit(1 if status else 0)
