"""`winnow features backfill`, `build`, `materialize` and `forget`, and `winnow examples build`."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli.commands import options

Log = Annotated[Path, typer.Option(metavar="FOLDER", help="The log: the folder `log` in that of the feature store.")]
MaybeLog = Annotated[
    Path | None, typer.Option(metavar="FOLDER", help="A log to read instead of an offline store.", show_default=False)
]
MaybeOffline = Annotated[Path | None, typer.Option(metavar="FOLDER", help="The offline store.", show_default=False)]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="The key by whose hashes the store has the users, if it does.", show_default=False
    ),
]
Weights = Annotated[
    str, typer.Option(metavar="TYPE=WEIGHT,...", help="How much events count; what is not named keeps its default.")
]
OutFile = Annotated[Path, typer.Option(metavar="FILE.parquet", help="The file to write.")]

examples_app = typer.Typer(help="Make training examples of what was shown and what came of it.", no_args_is_help=True)


def backfill(
    log: Log,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="The offline store; made where it is missing.")],
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Forget what the store has and replay the whole log.")
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Replay the feature store's log into the offline store: tables of Parquet files.

    It goes on where it ended last, also after it was cut off, and may run while the feature store writes the log.

    \b
    Examples:
      winnow features backfill --log var/store/log --out var/offline
      winnow features backfill --log var/store/log --out var/offline --rebuild
    """
    from services.cli.offline.replay import replay
    from services.cli.output import console, print_json

    done = replay(log, out, rebuild=rebuild)
    if as_json:
        rows = {str(table): count for table, count in done.rows.items()}
        print_json({"start": done.start, "end": done.end, "records": done.records, "rows": rows})
    else:
        added = ", ".join(f"{count} {table.replace('_', ' ')}" for table, count in done.rows.items())
        console().print(f"{done.records} records taken{f': {added}' if added else ''}. The store ends at {done.end}.")


def build(
    offline: Annotated[Path, typer.Option(metavar="FOLDER", help="The offline store.")],
    views: Annotated[
        Path, typer.Option(metavar="FILE.toml", help="The feature views, or the folder of a data set that has them.")
    ],
    out: OutFile,
    labels: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Rows of user_id, item_id and at_ms as Parquet, CSV or JSON lines. [default: the events of --events]",
            show_default=False,
        ),
    ] = None,
    events: Annotated[
        str, typer.Option(metavar="TYPE,...", help="The types of events that each make a row.")
    ] = "view,click,like,purchase,dwell",
    history: Annotated[
        int, typer.Option(min=0, metavar="N", help="Add the user's last N items before, as the column history.")
    ] = 0,
    states: Annotated[
        bool,
        typer.Option("--states", help="Add to each feature whether it is present, missing or expired, and its age."),
    ] = False,
    weights: Weights = "",
    user_id_key_file: KeyFile = None,
    as_json: options.AsJson = False,
) -> None:
    """Build a training set: for every event each declared feature as it was known at that moment, and nothing later.

    \b
    Examples:
      winnow features build --offline var/offline --views var/data --out clicks.parquet --events click --history 50
      winnow features build --offline var/offline --views features.toml --labels churn.csv --out churn.parquet --states
    """
    from services.cli.offline.building import Wanted, training_set
    from services.cli.offline.replay import opened
    from services.cli.output import console, print_json

    with opened(offline, None) as store:
        wanted = Wanted(labels, events, history, states, weights, user_id_key_file)
        rows = training_set(store, views, out, wanted)
    if as_json:
        print_json({"rows": rows, "file": str(out)})
    else:
        console().print(f"{rows} rows written to {out}.")


def materialize(
    offline: Annotated[Path, typer.Option(metavar="FOLDER", help="The offline store.")],
    target: Annotated[
        str, typer.Option(metavar="HOST:PORT", envvar="WINNOW_FEATURE_STORE_TARGET", help="The feature store.")
    ] = "localhost:50052",
    since: Annotated[
        str,
        typer.Option(
            metavar="WHEN", help="Values written since a moment, or within a time such as 7d. [default: what is new]"
        ),
    ] = "",
    as_json: options.AsJson = False,
) -> None:
    """Send current values of users' attributes and items' features from the offline store to a feature store.

    Values keep the time at which they came to be: a newer one in the feature store stays. When cut off, the next run goes
    on where it ended.

    \b
    Examples:
      winnow features materialize --offline var/offline --target feature-store:50052
      winnow features materialize --offline var/offline --since 2026-05-04T00:00:00Z
    """
    from services.cli.offline.materialisation import materialise
    from services.cli.offline.replay import opened
    from services.cli.output import console, print_json, remarks

    with opened(offline, None) as store:
        sent = materialise(store, target, since)
    for reason, count in sent.refused.items():
        remarks().print(f"{count} writes refused: {reason}")
    if as_json:
        print_json({"users": sent.users, "items": sent.items, "refused": sum(sent.refused.values())})
    else:
        console().print(f"{sent.users} writes of users and {sent.items} of items sent to {target}.")


def forget(
    offline: Annotated[Path, typer.Option(metavar="FOLDER", help="The offline store.")],
    user: Annotated[str, typer.Option(metavar="ID", help="The user.")],
    user_id_key_file: KeyFile = None,
    as_json: options.AsJson = False,
) -> None:
    """Drop every row of a user from the offline store.

    Training sets and examples that were built before are not touched: build them anew.

    \b
    Examples:
      winnow features forget --offline var/offline --user u-9
    """
    from services.cli.offline.failing import sentences
    from services.cli.offline.replay import opened
    from services.cli.output import console, print_json
    from services.cli.users.forgetting import stored_user_id
    from services.training.offline.erasure import forget_user

    stored_id = stored_user_id(user, user_id_key_file)
    with opened(offline, None) as store, sentences():
        dropped = {str(table): count for table, count in forget_user(store, stored_id).items()}
    if as_json:
        print_json(dropped)
    else:
        console().print("Dropped: " + ", ".join(f"{count} {table}" for table, count in dropped.items()) + ".")


@examples_app.callback()
def _examples() -> None:
    """Keeps `build` a command of its own: alone it would become the whole of `winnow examples`."""


@examples_app.command("build", no_args_is_help=True)
def build_examples(
    out: OutFile,
    offline: MaybeOffline = None,
    log: MaybeLog = None,
    window: Annotated[
        str, typer.Option(metavar="DURATION", help="How long after a showing an event counts that names no request.")
    ] = "24h",
    history: Annotated[
        int, typer.Option(min=0, metavar="N", help="The user's last N items before the answer, in the column history.")
    ] = 50,
    weights: Weights = "",
    as_json: options.AsJson = False,
) -> None:
    """Join what was shown with what its users then did: a row for every item of every answer.

    \b
    Examples:
      winnow examples build --log var/store/log --out examples.parquet
      winnow examples build --offline var/offline --out examples.parquet --window 7d --weights purchase=20
    """
    from services.cli.offline.building import examples
    from services.cli.offline.replay import opened
    from services.cli.output import console, print_json

    with opened(offline, log) as store:
        rows = examples(store, out, window=window, history=history, weights=weights)
    if as_json:
        print_json({"examples": rows, "file": str(out)})
    else:
        console().print(f"{rows} examples written to {out}.")
