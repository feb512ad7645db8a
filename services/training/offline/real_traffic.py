"""From a log to what a training job continues with."""

from __future__ import annotations

import datetime
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import polars as pl

from services.training.datasets import Dataset, DatasetError
from services.training.offline.backfill import backfill
from services.training.offline.continuation import continue_dataset
from services.training.offline.examples import ExampleSet, build_examples
from services.training.offline.store import OfflineStore
from services.training.offline.traffic import Traffic
from services.training.progress import ProgressDisplay
from shared.event_log import read_log
from shared.events import EventWeights
from shared.user_ids import UserIds, read_key

_COLUMNS = ("request_id", "user_id", "item_id", "place", "shown_at_ms", "propensity", "reward")


def read_traffic(
    dataset: Dataset | None, log: Path, offline: Path | None, weights: EventWeights, display: ProgressDisplay
) -> tuple[Dataset, Traffic]:
    """Reads a log, and merges what it has into a data set.

    Args:
        dataset: What the log continues; None where there is nothing but the log.
        log: The folder of the log.
        offline: An offline store to bring up to date and to read from: it is quicker, and keeps what the log's retention
            drops. None for a store that lasts no longer than this call.
        weights: What events count.
        display: Told when the log was read, and after each slice of examples.

    Raises:
        DatasetError: all together is too little to train on.
        LogDamaged: the log does not hold what was written to it.
        OfflineStoreError: the offline store cannot be used.
    """
    # Before the first record is read: what changes from here on may be missing.
    read_at = datetime.datetime.now(datetime.UTC)
    with _folder(offline) as folder:
        store = OfflineStore(folder)
        with display.stage("read the log", 1) as advance:
            done = backfill(store, lambda after: read_log(log, after))
            advance(f"{done.records} records")
        continued = continue_dataset(dataset, store)
        with tempfile.TemporaryDirectory() as scratch:
            examples = Path(scratch) / "examples"
            build_examples(store, ExampleSet(history=0, weights=weights), examples, display)
            acted_upon = _acted_upon(pl.scan_parquet(examples))
        shown = _shown(store.scan("exposures"))
    return continued.dataset, Traffic(read_at, acted_upon, continued.sizes, shown)


def user_ids_of(key_file: Path) -> UserIds:
    """Returns how the log names users, by the key in a file.

    Raises:
        DatasetError: the key cannot be used.
    """
    try:
        return UserIds(read_key("", key_file))
    except ValueError as error:
        raise DatasetError(str(error), remedy="Name the file that the feature store reads its key from.") from error


def with_stored_ids(dataset: Dataset, ids: UserIds) -> Dataset:
    """Returns the data set with the users' ids as the log has them, so that one person is one user in both."""
    users = tuple(replace(user, id=ids.stored(user.id)) for user in dataset.users)
    return replace(dataset, users=users)


def _acted_upon(examples: pl.LazyFrame) -> pl.DataFrame:
    """The examples of the answers that something good came of."""
    good = examples.filter(pl.col("reward") > 0).select("request_id").unique()
    return examples.join(good, on="request_id", how="semi").select(_COLUMNS).collect()


def _shown(exposures: pl.LazyFrame) -> frozenset[tuple[str, str]]:
    """The users and the items that were shown to them."""
    pairs = exposures.select("user_id", item_id="item_ids").explode("item_id").drop_nulls().unique().collect()
    return frozenset(pairs.iter_rows())


@contextmanager
def _folder(offline: Path | None) -> Iterator[Path]:
    if offline is not None:
        yield offline
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)
