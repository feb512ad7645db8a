"""`python -m services.training`: train on a folder of data and publish a snapshot."""

from __future__ import annotations

import argparse
import sys
import tomllib
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from services.training.config import TrainingConfig
from services.training.datasets import DatasetError, load_dataset
from services.training.generator import generate
from services.training.job import TrainingOutcome, train
from services.training.progress import display_for
from shared.logs import configure_logs


def main(arguments: list[str] | None = None) -> int:
    """Runs the job that the flags ask for.

    Args:
        arguments: The flags; those of the process when None.

    Returns:
        The exit status: 0, or 2 when the data or the configuration cannot be used, which stderr then explains.
    """
    flags = _parser().parse_args(arguments)
    console = Console(quiet=flags.quiet)
    if not console.is_terminal:
        configure_logs("training", "warning" if flags.quiet else "info")
    try:
        config = _config_from(flags)
        dataset = load_dataset(flags.data) if flags.data else generate().dataset
        outcome = train(config, dataset, flags.out, display_for(console, flags.quiet))
    except (DatasetError, ValidationError, tomllib.TOMLDecodeError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    _show(outcome, console)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m services.training",
        description="Fit recall and ranking on a data set, judge them on held-out events, and publish a snapshot.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--data", type=Path, help="folder with a data set; without it one is generated")
    parser.add_argument("--out", type=Path, default=Path("var/snapshots"), help="root folder of the snapshots")
    parser.add_argument("--config", type=Path, help="TOML file whose tables are the sections of the configuration")
    parser.add_argument("--seed", type=int, help="of every random choice; overrides the configuration's")
    parser.add_argument("--epochs", type=int, help="most epochs of the sequence encoder; overrides the configuration's")
    parser.add_argument("--threads", type=int, help="threads for the arithmetic; 0 takes the CPU quota")
    parser.add_argument("--quiet", action="store_true", help="show nothing but errors")
    return parser


def _config_from(flags: argparse.Namespace) -> TrainingConfig:
    config = TrainingConfig.from_toml(flags.config) if flags.config else TrainingConfig()
    chosen = config.model_dump()
    if flags.seed is not None:
        chosen["seed"] = flags.seed
    if flags.threads is not None:
        chosen["threads"] = flags.threads
    if flags.epochs is not None:
        chosen["sequence"]["epochs"] = flags.epochs
    return TrainingConfig.model_validate(chosen)


def _show(outcome: TrainingOutcome, console: Console) -> None:
    table = Table(title=f"{outcome.report.dataset}: test, full catalogue, history masked")
    stages = outcome.report.quality["test"]
    table.add_column("stage")
    for metric in next(iter(stages.values())):
        table.add_column(metric, justify="right")
    for stage, values in stages.items():
        table.add_row(stage, *(f"{value:.4f}" for value in values.values()))
    console.print(table)
    console.print(f"{outcome.snapshot_id} is current; its report is in {outcome.folder / 'report.md'}")


if __name__ == "__main__":
    sys.exit(main())
