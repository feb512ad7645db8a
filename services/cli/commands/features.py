"""`winnow features`: what is declared, and what was stored of it."""

import typer

app = typer.Typer(help="Feature views, and the offline store of their values.", no_args_is_help=True)
