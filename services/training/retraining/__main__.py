"""`python -m services.training.retraining`: train on what was recorded, and go live with what is as good."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from services.training.config import TrainingConfig
from services.training.flags import UNUSABLE, add_common_flags, console_for, existing_log, within
from services.training.progress import display_for
from services.training.retraining.rounds import MAY_PASS, run_rounds
from services.training.retraining.run import Retraining
from shared.events import EventWeights


def main(arguments: list[str] | None = None) -> int:
    """Runs the rounds that the flags ask for.

    Args:
        arguments: The flags; those of the process when None.

    Returns:
        The exit status: 0 when a round came to its end, whether or not something went live, or 2 when it could not, which
        stderr then explains.
    """
    flags = flags_parser().parse_args(arguments)
    console = console_for(quiet=flags.quiet)
    try:
        config = TrainingConfig.from_toml(flags.config) if flags.config else TrainingConfig()
        run_rounds(
            _wanted_by(flags),
            config,
            display_for(console, flags.quiet),
            ended=lambda words: console.print(words, markup=False, soft_wrap=True),
            failed=_explain,
            every_minutes=flags.every,
        )
    except (*UNUSABLE, *MAY_PASS) as error:
        _explain(str(error))
        return 2
    return 0


def flags_parser() -> argparse.ArgumentParser:
    """Returns what reads the flags."""
    parser = argparse.ArgumentParser(
        prog="python -m services.training.retraining",
        description="Train on what was recorded, compare with the current snapshot, and go live with what is as good.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--data", type=Path, help="folder with the data set that the log continues")
    add_common_flags(parser, log_required=True)
    parser.add_argument(
        "--min-events", type=within(int, 1), default=1, help="fewer new events than these are not worth a round"
    )
    parser.add_argument(
        "--max-loss",
        type=within(float, 0, 1),
        default=0.02,
        help="share of the current snapshot's NDCG@10 that the new one may lose",
    )
    parser.add_argument("--people", type=within(int, 1), default=5_000, help="people that the gate asks about at most")
    parser.add_argument(
        "--every",
        type=within(float, 0),
        default=0.0,
        metavar="MINUTES",
        help="go on with a round every so often; 0 runs one",
    )
    return parser


def _wanted_by(flags: argparse.Namespace) -> Retraining:
    return Retraining(
        log=existing_log(flags.log),
        out=flags.out,
        data=flags.data,
        offline=flags.offline,
        weights=flags.event_weights or EventWeights(),
        min_events=flags.min_events,
        max_loss=flags.max_loss,
        people=flags.people,
        user_id_key_file=flags.user_id_key_file,
    )


def _explain(words: str) -> None:
    sys.stderr.write(f"{words}\n")


if __name__ == "__main__":
    sys.exit(main())
