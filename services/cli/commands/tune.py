"""`winnow tune`."""

from pathlib import Path
from typing import Annotated

import typer


def tune(
    recall: Annotated[
        str | None, typer.Option(metavar="MODEL", help="A recall model, such as ease.", show_default=False)
    ] = None,
    ranker: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL", help="Or a ranking model, such as din; recall is fitted once before.", show_default=False
        ),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="The data set. [default: generated]", show_default=False)
    ] = None,
    trials: Annotated[int, typer.Option(min=1, help="How many, those of before included.")] = 20,
    space: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.toml", help="What is searched. [default: what the model declares]", show_default=False
        ),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE.toml", help="The rest of the training configuration.")
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="For the study and best.toml. [default: in var/tuning]", show_default=False
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the search and of every fit.")] = 0,
    threads: Annotated[int, typer.Option(min=0, help="For the arithmetic; 0 takes the CPU quota.")] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show nothing but errors.")] = False,
) -> None:
    """Search for the settings of a model with the best NDCG@10 on validation.

    The test events are never looked at. Given again, the command goes on where it was, even within a fit; best.toml in
    its folder is a configuration for `winnow train`. It needs Optuna: pip install 'winnow[search]'.

    \b
    Examples:
      winnow tune --recall ease --data ml-1m --trials 30
      winnow tune --ranker deepfm --data ml-1m --config training.toml
      winnow tune --recall sasrec --data ml-1m --space space.toml --run var/tuning/ml-1m
    """
    from services.cli.job_flags import as_flags
    from services.training.tuning.__main__ import main

    if bool(recall) == bool(ranker):
        raise typer.BadParameter("give --recall or --ranker, the model to search settings of")
    status = main(
        as_flags(
            data=data,
            recall=recall,
            ranker=ranker,
            trials=trials,
            space=space,
            config=config,
            run=run,
            seed=seed,
            threads=threads,
            quiet=quiet,
        )
    )
    # The job says 2 for what cannot be used; the command line keeps 2 for a wrong call.
    raise typer.Exit(1 if status else 0)
