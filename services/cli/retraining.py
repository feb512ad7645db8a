"""What `winnow retrain` does: rounds, one or many, and a word about each."""

import time
import tomllib
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console

from services.cli.failure import Failure
from services.training.config import TrainingConfig
from services.training.datasets import DatasetError
from services.training.export import ExportMismatch
from services.training.offline.errors import OfflineStoreError
from services.training.progress import display_for
from services.training.retraining.ledger import Round
from services.training.retraining.run import Retraining, retrain
from shared.event_log import LogDamaged
from shared.events import EventWeights
from shared.logs import configure_logs

# A round that fails may well pass in an hour: there is more in the log by then, or more room on the disk.
_MAY_PASS = (DatasetError, ExportMismatch, OfflineStoreError, OSError)


def run(
    *,
    log: Path,
    data: Path | None,
    offline: Path | None,
    out: Path,
    config: Path | None,
    event_weights: str,
    min_events: int,
    max_loss: float,
    people: int,
    user_id_key_file: Path | None,
    every_minutes: float,
    quiet: bool,
) -> None:
    """Runs one round, or one every so often until it is interrupted.

    Raises:
        Failure: the call cannot be carried out, or the only round failed.
    """
    if not log.is_dir():
        raise Failure(f"{log} is no folder. Name the log of the feature store: the folder log in FEATURE_STORE_PATH.")
    try:
        chosen = TrainingConfig.from_toml(config) if config else TrainingConfig()
        weights = EventWeights.parse(event_weights)
    except (ValidationError, tomllib.TOMLDecodeError, OSError, ValueError) as error:
        raise Failure(str(error)) from error
    console = Console(quiet=quiet)
    if not console.is_terminal:
        configure_logs("training", "warning" if quiet else "info")
    wanted = Retraining(log, out, data, offline, weights, min_events, max_loss, people, user_id_key_file)
    while True:
        try:
            console.print(sentence(retrain(wanted, chosen, display_for(console, quiet))))
        except LogDamaged as error:
            raise Failure(str(error)) from error
        except _MAY_PASS as error:
            if not every_minutes:
                raise Failure(str(error)) from error
            console.print(f"This round failed; the next one comes in {every_minutes:g} minutes: {error}")
        if not every_minutes:
            return
        time.sleep(60 * every_minutes)


def sentence(done: Round) -> str:
    """Returns a round in words."""
    if not done.snapshot:
        return f"Nothing was trained: {done.reason}."
    if done.live:
        return f"{done.snapshot} is live, from {done.events} new events: {done.reason}."
    return f"{done.snapshot} stays in the folder and does not go live: {done.reason}."
