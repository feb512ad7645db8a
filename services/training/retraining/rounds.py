"""Rounds of retraining, one or many, and a word about each."""

from __future__ import annotations

import time
from collections.abc import Callable

from services.training.config import TrainingConfig
from services.training.datasets import DatasetError
from services.training.export import ExportMismatch
from services.training.offline.errors import OfflineStoreError
from services.training.progress import ProgressDisplay
from services.training.retraining.ledger import Round
from services.training.retraining.run import Retraining, retrain

#: A round that fails so may well pass in an hour: there is more in the log by then, or more room on the disk.
MAY_PASS = (DatasetError, ExportMismatch, OfflineStoreError, OSError)


def run_rounds(
    wanted: Retraining,
    config: TrainingConfig,
    display: ProgressDisplay,
    *,
    ended: Callable[[str], None],
    failed: Callable[[str], None],
    every_minutes: float = 0.0,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Runs one round, or one every so often until it is interrupted.

    Args:
        wanted: What to retrain from.
        config: Of the training.
        display: Follows each round.
        ended: Told in a sentence what came of a round.
        failed: Told why a round failed after which the next one comes.
        every_minutes: From the end of a round to the next one; 0 runs one alone.
        sleep: Waits that many seconds.

    Raises:
        LogDamaged: the log does not hold what was written to it, which waiting does not mend.
        DatasetError, ExportMismatch, OfflineStoreError, OSError: the only round failed, as by `retrain`.
    """
    while True:
        try:
            ended(sentence(retrain(wanted, config, display)))
        except MAY_PASS as error:
            if not every_minutes:
                raise
            failed(f"This round failed; the next one comes in {every_minutes:g} minutes: {error}")
        if not every_minutes:
            return
        sleep(60 * every_minutes)


def sentence(done: Round) -> str:
    """Returns a round in words."""
    if not done.snapshot:
        return f"Nothing was trained: {done.reason}."
    if done.live:
        return f"{done.snapshot} is live, from {done.events} new events: {done.reason}."
    return f"{done.snapshot} stays in the folder and does not go live: {done.reason}."
