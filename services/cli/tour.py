"""`winnow run`: everything from data to recommendations, in the order in which a newcomer would do it."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.markup import escape

from services.cli import generation, trained, user_import
from services.cli.output import console, remarks
from services.cli.recommendations import items_table
from services.cli.serving import running_suite
from services.cli.supervisor import SuitePorts
from services.training.datasets import Dataset
from shared.snapshot.repository import SnapshotRepository
from winnow.client import AsyncWinnowClient

_SHOWN_USERS = 3
_SHOWN_HISTORY = 5

# The first answers come from services that have only just started.
_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class Prepared:
    """A data set and the snapshot that was trained on it and is current."""

    dataset: Dataset
    snapshot_id: str


def prepare(data: Path | None, root: Path, retrain: bool) -> Prepared:
    """Sees to it that there is a data set, and that a snapshot of it is current.

    Args:
        data: The data set's folder; when None, the generated one, below `root`.
        root: Where data and snapshots are kept.
        retrain: Whether to train although there is a snapshot.

    Raises:
        Failure: the data cannot be used, or training failed.
    """
    screen = remarks()
    folder = data or root / "data"
    if data is None and not (folder / "items.jsonl").is_file():
        screen.print(f"Generating a data set in {folder}…")
        generation.write(folder, {})
    dataset = user_import.load(folder)
    repository = SnapshotRepository(root / "snapshots")
    manifest = None if retrain else trained.newest_for(dataset, repository)
    if manifest is None:
        screen.print(f"Training on {len(dataset.interactions):,} events of {len(dataset.users):,} users…")
        trained.train(folder, repository.root)
        manifest = trained.current_for(dataset, repository)
    elif manifest.id != repository.current():
        repository.activate(manifest.id)
    screen.print(f"Snapshot {manifest.id} is current.", soft_wrap=True)
    return Prepared(dataset, manifest.id)


async def serve(
    prepared: Prepared, root: Path, ports: SuitePorts, host: str, *, once: bool, workers: int | None = None
) -> None:
    """Starts the suite, imports the users, shows recommendations, and goes on until cancelled.

    Raises:
        Failure: a service does not start, or the users cannot be imported.
    """
    screen = remarks()
    screen.print("Starting the services…")
    async with running_suite(root, ports, host, workers=workers):
        await asyncio.to_thread(user_import.import_all, prepared.dataset, ports.target("feature_store"))
        async with AsyncWinnowClient(ports.target("gateway"), timeout=_TIMEOUT_SECONDS) as client:
            for user in _some_users(prepared.dataset):
                await _show(prepared.dataset, user, client)
        if not once:
            screen.print(_how_to_call(prepared.dataset, ports, root), soft_wrap=True)
            await asyncio.Event().wait()


def _some_users(dataset: Dataset) -> list[int]:
    """Rows of users with some history: the same ones each time."""
    lengths = dataset.histories().lengths
    typical = np.flatnonzero(lengths >= np.median(lengths))
    chosen = np.random.default_rng(0).choice(typical, min(_SHOWN_USERS, len(typical)), replace=False)
    return sorted(chosen.tolist())


async def _show(dataset: Dataset, user: int, client: AsyncWinnowClient) -> None:
    screen = console()
    result = await client.recommend(dataset.users[user].id, untracked=True)  # nobody of the data set sees it
    screen.print(f"\n[bold]User {escape(dataset.users[user].id)}[/] lately met, newest first:")
    for line in _history(dataset, user):
        screen.print(f"  {escape(line)}", soft_wrap=True)
    screen.print("and is recommended:")
    screen.print(items_table(result.items))


def _history(dataset: Dataset, user: int) -> Iterator[str]:
    for row in reversed(dataset.histories().items_of(user)[-_SHOWN_HISTORY:].tolist()):
        item = dataset.items[row]
        yield f"{item.title} ({', '.join(item.categories)})" if item.categories else item.title


def _how_to_call(dataset: Dataset, ports: SuitePorts, root: Path) -> str:
    user, item = dataset.users[0].id, dataset.items[0].id
    target = ports.target("gateway")
    elsewhere = "" if target.endswith(":50051") else f" --target {target}"
    return (
        f"\nThe gateway listens on {target}; logs are in {root / 'logs'}. In another terminal, try\n"
        f"  winnow recommend --user {user}{elsewhere}\n"
        f"  winnow similar --item {item}{elsewhere}\n"
        f"  winnow record --user {user} --item {item} --type like{elsewhere}\n"
        "Ctrl-C stops."
    )
