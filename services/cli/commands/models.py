"""`winnow models`: list and show."""

from typing import Annotated

import typer

from services.cli.commands import options

app = typer.Typer(help="Look at the models that `winnow train` can fit, and at their settings.", no_args_is_help=True)


@app.command("list")
def list_models(as_json: options.AsJson = False) -> None:
    """List all models: what each is for, and what it is.

    \b
    Examples:
      winnow models list
    """
    from services.cli.models import showing

    showing.list_models(as_json)


@app.command("show", no_args_is_help=True)
def show(
    name: Annotated[str, typer.Argument(metavar="MODEL", help="Its name, such as ease.")],
    as_json: options.AsJson = False,
) -> None:
    """Show the settings of a model, for the table [channels.NAME.settings] of a training configuration.

    \b
    Examples:
      winnow models show sasrec
    """
    from services.cli.models import showing

    showing.show_model(name, as_json)
