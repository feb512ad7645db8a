"""`winnow experiments`: check, assign and report."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli.commands import options

app = typer.Typer(help="Check experiments, see who is in them, and read what came of them.", no_args_is_help=True)

File = Annotated[
    Path,
    typer.Option("--file", metavar="FILE", envvar="GATEWAY_EXPERIMENTS", help="The file that the gateway reads."),
]


@app.command("check", no_args_is_help=True)
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file that the gateway is to read.")],
    snapshots: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Also check that these snapshots have the objectives and ids it names."),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Check a file of experiments as the gateway will at its start, and show what each arm changes, for how many.

    \b
    Examples:
      winnow experiments check experiments.toml
      winnow experiments check experiments.toml --snapshots var/snapshots
    """
    from services.cli.experiments import check as checking

    checking.check(file, snapshots, as_json)


@app.command("assign", no_args_is_help=True)
def assign(
    user: Annotated[str, typer.Argument(metavar="USER", help="The user's id, as in the requests.")],
    file: File,
    as_json: options.AsJson = False,
) -> None:
    """Show the experiment and arm of a user.

    \b
    Examples:
      winnow experiments assign reader-00042 --file experiments.toml
    """
    from services.cli.experiments import check as checking

    checking.assign(file, user, as_json)


@app.command("report", no_args_is_help=True)
def report(
    log: Annotated[
        Path, typer.Option(metavar="FOLDER", help="The log: the folder `log` in the feature store's folder.")
    ],
    file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The file of the experiments, to check that users are split as it says."),
    ] = None,
    experiment: Annotated[str, typer.Option(metavar="NAME", help="One experiment. [default: all of the log]")] = "",
    control: Annotated[
        str,
        typer.Option(metavar="ARM", help='The arm to compare with. [default: "holdout", or "control", or the first]'),
    ] = "",
    weights: Annotated[
        str, typer.Option(metavar="TYPE=WEIGHT,...", help="What events count, where not the default.")
    ] = "",
    within_hours: Annotated[
        float, typer.Option(min=0.01, help="How long after it was shown an item may be what brought an event about.")
    ] = 24.0,
    since: Annotated[str, typer.Option(metavar="TIME", help="Leave out what was shown before, such as a trial.")] = "",
    confidence: Annotated[float, typer.Option(min=0.5, max=0.999, help="Of the intervals.")] = 0.95,
    draws: Annotated[int, typer.Option(min=100, max=100_000, help="How often the bootstrap draws.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Of the bootstrap.")] = 0,
    as_json: options.AsJson = False,
) -> None:
    """Compare the arms of experiments: what users did with what they were shown, and how sure that is.

    \b
    Examples:
      winnow experiments report --log var/store/log --file experiments.toml
      winnow experiments report --log var/store/log --experiment variety --weights like=4,dislike=-4
    """
    from services.cli.experiments.report import Asked
    from services.cli.experiments.reporting import Question, reports
    from services.cli.experiments.show import show

    question = Question(log, file, experiment, control, weights, within_hours, since)
    show(reports(question, Asked(confidence, draws, seed)), as_json)
