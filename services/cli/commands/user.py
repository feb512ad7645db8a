"""`winnow user`: forget and export."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli.commands import options

app = typer.Typer(
    help="Tell a person what is remembered of them, or forget it. docs/privacy.md has more.", no_args_is_help=True
)

UserId = Annotated[str, typer.Argument(metavar="ID", help="The user's id, as in the events.")]


@app.command("forget", no_args_is_help=True)
def forget(
    user_id: UserId,
    examples: Annotated[
        list[Path] | None,
        typer.Option(metavar="FOLDER", help="Erase the user's rows from Parquet files here too. Repeatable."),
    ] = None,
    user_id_key_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            envvar="FEATURE_STORE_USER_ID_KEY_FILE",
            help="The key by which the store hashes user ids, if it does: examples have hashes too.",
        ),
    ] = None,
    target: options.Target = None,
    timeout: options.Timeout = 300.0,
    as_json: options.AsJson = False,
) -> None:
    """Erase everything that is remembered of a user, and print what was erased where.

    When the command returns, no file of the feature store holds it any more. It may be repeated.

    \b
    Examples:
      winnow user forget 42
      winnow user forget 42 --examples var/examples
    """
    from services.cli.users import forgetting

    forgetting.forget(user_id, target, timeout, examples=examples or [], key_file=user_id_key_file, as_json=as_json)


@app.command("export", no_args_is_help=True)
def export(
    user_id: UserId,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Where to write it. [default: stdout]")] = None,
    target: Annotated[
        str, typer.Option(metavar="HOST:PORT", envvar="WINNOW_FEATURE_STORE_TARGET", help="The feature store.")
    ] = "localhost:50052",
    timeout: options.Timeout = 300.0,
) -> None:
    """Write everything that is remembered of a user, one JSON object a line: what is stored, then what the log has.

    \b
    Examples:
      winnow user export 42
      winnow user export 42 --out user-42.jsonl
    """
    from services.cli.users import exporting

    exporting.export(user_id, target, timeout, out)
