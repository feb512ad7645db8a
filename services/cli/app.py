"""The `winnow` command: one sub-command a file, each of which imports what it needs when it runs."""

import sys
from typing import Any

import typer
from typer.core import TyperGroup

from services.cli.commands import (
    bench,
    benchmark,
    evaluate,
    experiments,
    explain,
    features,
    generate,
    import_users,
    items,
    log,
    models,
    offline,
    recommend,
    record,
    retrain,
    run,
    serve,
    similar,
    snapshot,
    train,
    tune,
    user,
)
from services.cli.failure import Failure


class _Winnow(TyperGroup):
    """Shows an expected failure as one sentence instead of a traceback."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Runs the command line.

        Raises:
            SystemExit: always, with the exit code.
        """
        try:
            return super().main(*args, **kwargs)
        except Failure as failure:
            print(f"winnow: {failure}", file=sys.stderr)  # noqa: T201 - this is what the person is to read
            sys.exit(failure.exit_code)


app = typer.Typer(
    name="winnow",
    cls=_Winnow,
    help="Recommendations over gRPC: train, serve, ask and measure.\n\nBegin with `winnow run`.",
    no_args_is_help=True,
    add_completion=False,
    # Plain text starts in half the time, and an error is a sentence rather than a drawing.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
app.command("run")(run.run)
app.command("recommend", no_args_is_help=True)(recommend.recommend)
app.command("similar", no_args_is_help=True)(similar.similar)
app.command("explain", no_args_is_help=True)(explain.explain)
app.command("record", no_args_is_help=True)(record.record)
app.command("train")(train.train)
app.command("tune", no_args_is_help=True)(tune.tune)
app.command("retrain", no_args_is_help=True)(retrain.retrain)
app.command("serve")(serve.serve)
app.add_typer(models.app, name="models")
app.add_typer(snapshot.app, name="snapshot")
app.add_typer(features.app, name="features")
app.command("import", no_args_is_help=True)(import_users.import_users)
app.add_typer(log.app, name="log")
app.add_typer(user.app, name="user")
app.add_typer(items.app, name="items")
app.command("evaluate", no_args_is_help=True)(evaluate.evaluate)
app.command("benchmark", no_args_is_help=True)(benchmark.benchmark)
app.add_typer(experiments.app, name="experiments")
app.add_typer(bench.app, name="bench")
app.command("generate", no_args_is_help=True)(generate.generate)
features.app.command("backfill", no_args_is_help=True)(offline.backfill)
features.app.command("build", no_args_is_help=True)(offline.build)
features.app.command("materialize", no_args_is_help=True)(offline.materialize)
features.app.command("forget", no_args_is_help=True)(offline.forget)
app.add_typer(offline.examples_app, name="examples")
