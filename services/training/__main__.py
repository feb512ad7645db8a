"""`python -m services.training`: train on a folder of data and publish a snapshot."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path
from typing import get_args

from rich.console import Console
from rich.table import Table

from services.training.config import TrainingConfig
from services.training.datasets import Dataset, load_dataset
from services.training.devices import DeviceChoice, PrecisionChoice
from services.training.flags import UNUSABLE, add_common_flags, console_for, existing_log
from services.training.generator import generate
from services.training.job import TrainingOutcome, fit_alongside, train
from services.training.offline.real_traffic import read_traffic, user_ids_of, with_stored_ids
from services.training.offline.traffic import Traffic
from services.training.parallel.common_start import FitsDiffer
from services.training.parallel.ranks import PeerLost, Ranks, open_ranks
from services.training.placement import Placement
from services.training.progress import ProgressDisplay, display_for
from services.training.runs.data_digest import data_digest
from services.training.runs.digests import settings_digest
from services.training.runs.record import Origin, read_origin
from services.training.runs.run import open_run, slug
from shared.events import DWELL_UNIT_SECONDS, EventType, EventWeights


def main(arguments: list[str] | None = None) -> int:
    """Runs the job that the flags ask for.

    Args:
        arguments: The flags; those of the process when None.

    Returns:
        The exit status: 0; 2 when the data, the configuration or the device cannot be used; 3 when another process of the job
        has ended. stderr then explains.
    """
    given = sys.argv[1:] if arguments is None else arguments
    flags = _parser().parse_args(given)
    try:
        with open_ranks(os.environ) as ranks:
            console = console_for(quiet=flags.quiet or ranks.number > 0)
            outcome = _train(flags, given, console, ranks)
    except UNUSABLE as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except (PeerLost, FitsDiffer) as error:
        sys.stderr.write(f"{error}\n")
        return 3
    if outcome is not None:
        _show(outcome, console)
    return 0


def _train(flags: argparse.Namespace, given: list[str], console: Console, ranks: Ranks) -> TrainingOutcome | None:
    """Trains; gives what came of it in the first process, None in the others."""
    config = _config_from(flags)
    # Before anything is read: who asked for a GPU that is not there need not wait for it.
    placement = Placement.choose(config.device, config.precision, ranks)
    repeated = read_origin(flags.config) if flags.config else None
    if repeated and not (flags.data or flags.log):
        # What is on the command line comes later, and so has its way.
        flags = _parser().parse_args([*repeated.flags(), *given])
    display = display_for(console, flags.quiet)
    # Read once: a log that grows would be another one to each process, and an offline store has one writer.
    dataset, traffic = ranks.from_first(lambda: _data_from(flags, display))
    if ranks.number:
        fit_alongside(config, dataset, traffic, placement)
        return None
    origin = Origin(shlex.join(["winnow", "train", *given]), _sources(flags), data_digest(dataset, traffic))
    if repeated and repeated.data != origin.data:
        console.print(f"The data are not those of {flags.config}: the result will not be the same.")
    digest = settings_digest(config, origin.data)
    folder = flags.run or flags.out / ".runs" / f"{slug(dataset.name)}-{digest[:12]}"
    with open_run(folder, digest, fresh=flags.fresh, say=console.print) as run:
        return train(config, dataset, flags.out, display, traffic, run=run, origin=origin, placement=placement)


def _data_from(flags: argparse.Namespace, display: ProgressDisplay) -> tuple[Dataset, Traffic | None]:
    """The data set that was named, continued by the log where one was; the generated one where neither was.

    Raises:
        DatasetError: one of them cannot be used, or the key cannot.
    """
    if not flags.log:
        return (load_dataset(flags.data) if flags.data else generate().dataset), None
    log = existing_log(flags.log)
    known = load_dataset(flags.data) if flags.data else None
    if known and flags.user_id_key_file:
        known = with_stored_ids(known, user_ids_of(flags.user_id_key_file))
    return read_traffic(known, log, flags.offline, flags.event_weights or EventWeights(), display)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m services.training",
        description="Fit recall and ranking on a data set, judge them on held-out events, and publish a snapshot.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "--data", type=Path, help="folder with a data set; without it and without --log one is generated"
    )
    add_common_flags(parser)
    parser.add_argument(
        "--recall", metavar="MODEL", help="model of the first channel, with its default settings, such as ease"
    )
    parser.add_argument("--ranker", metavar="MODEL", help="ranking model, with its default settings, such as deepfm")
    parser.add_argument("--seed", type=int, help="of every random choice; overrides the configuration's")
    parser.add_argument(
        "--run",
        type=Path,
        metavar="FOLDER",
        help="folder for checkpoints, which a killed job resumes from, and curves; one in .runs of --out by default",
    )
    parser.add_argument("--fresh", action="store_true", help="begin anew, whatever checkpoints there are")
    parser.add_argument(
        "--epochs", type=int, help="most epochs of the first channel's model; overrides the configuration's"
    )
    parser.add_argument("--threads", type=int, help="threads for the arithmetic; 0 takes the CPU quota")
    parser.add_argument(
        "--device", choices=get_args(DeviceChoice), help="what models descend on; overrides the configuration's"
    )
    parser.add_argument(
        "--precision",
        choices=get_args(PrecisionChoice),
        help="of products while models descend; overrides the configuration's",
    )
    return parser


def _sources(flags: argparse.Namespace) -> dict[str, str]:
    """What says what to read, by the flag's name: absolute, so that it can be read again from anywhere."""
    paths = {"data": flags.data, "log": flags.log, "offline": flags.offline, "user-id-key-file": flags.user_id_key_file}
    sources = {name: str(path.resolve()) for name, path in paths.items() if path}
    if flags.event_weights:
        weights = (f"{kind.name.lower()}={flags.event_weights.of(kind, DWELL_UNIT_SECONDS)}" for kind in EventType)
        sources["event-weights"] = ",".join(weights)
    return sources


def _config_from(flags: argparse.Namespace) -> TrainingConfig:
    config = TrainingConfig.from_toml(flags.config) if flags.config else TrainingConfig()
    if flags.recall is not None:
        config = config.with_recall(flags.recall)
    if flags.ranker is not None:
        config = config.with_ranker(flags.ranker)
    if flags.epochs is not None:
        config = config.with_epochs(flags.epochs)
    overrides = {
        "seed": flags.seed,
        "threads": flags.threads,
        "device": flags.device,
        "precision": flags.precision,
    }
    chosen = {name: value for name, value in overrides.items() if value is not None}
    return TrainingConfig.model_validate(config.model_dump() | chosen)


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
