"""The stores that the contract is held against: each is opened, and opened again, in the same place."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from services.feature_store.lmdb_store import LmdbStore
from services.feature_store.log_folder import open_log_folder
from services.feature_store.store_folder import open_store_folder
from tests.contract.feature_store.store.opened import BOUNDS, NOW_MS, WINDOW_MS, AnyStore

Open = Callable[[], AbstractContextManager[AnyStore]]


@contextmanager
def _lmdb(path: Path) -> Iterator[AnyStore]:
    with (
        open_store_folder(path, 1 << 28) as environment,
        open_log_folder(path, environment) as log,
        LmdbStore(
            environment, log, BOUNDS, event_window_ms=WINDOW_MS, max_queued_events=100_000, now_ms=lambda: NOW_MS
        ) as store,
    ):
        yield store


#: By name: what opens a store of that kind in a folder of its own.
STORES: dict[str, Callable[[Path], AbstractContextManager[AnyStore]]] = {"lmdb": _lmdb}


@pytest.fixture(params=STORES)
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Opens the store; what an earlier opening wrote is there."""
    return lambda: STORES[request.param](tmp_path)
