"""What one snapshot holds."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
from rich.markup import escape
from rich.table import Table

from services.cli.output import console, print_json
from services.cli.snapshots.chosen import open_repository, read_chosen
from services.cli.snapshots.listing import total_bytes
from shared.snapshot.manifest import ChannelEntry, Manifest


def show(root: Path, snapshot_id: str, as_json: bool) -> None:
    """Prints a snapshot's manifest: as tables, or whole as JSON.

    Raises:
        Failure: there is no such snapshot, or it cannot be read.
    """
    repository = open_repository(root)
    manifest = read_chosen(repository, snapshot_id)
    if as_json:
        print_json(msgspec.to_builtins(manifest) | {"current": manifest.id == repository.current()})
        return
    screen = console()
    served = " (current)" if manifest.id == repository.current() else ""
    screen.print(f"[bold]{manifest.id}[/]{served}, created {manifest.created} from {escape(manifest.dataset)}")
    for table in _tables(manifest):
        screen.print()
        screen.print(table)


def _tables(manifest: Manifest) -> Iterator[Table]:
    yield _pairs(
        "Contents",
        {
            "items": f"{manifest.items:,}",
            "history that counts": f"{manifest.max_history} items",
            "objectives": ", ".join(manifest.objectives),
            "user attributes": ", ".join(field.name for field in manifest.feature_schema.user_fields) or "none",
            "item features": str(len(manifest.feature_schema.item_features)),
        },
    )
    yield _channels(manifest.channels)
    if any(channel.curve for channel in manifest.channels):
        yield _curves(manifest.channels)
    if manifest.metrics:
        yield _pairs("Offline metrics", {name: f"{value:.4f}" for name, value in sorted(manifest.metrics.items())})
    if manifest.training:
        yield _pairs("Training", {name: str(value) for name, value in sorted(manifest.training.items())})
    yield _files(manifest)


def _pairs(title: str, pairs: dict[str, str]) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim")
    table.add_column()
    for name, value in pairs.items():
        table.add_row(escape(name), escape(value))
    return table


def _channels(channels: tuple[ChannelEntry, ...]) -> Table:
    table = Table(title="Channels", title_justify="left", box=None, pad_edge=False)
    table.add_column("channel")
    table.add_column("kind")
    for heading in ("quota", "dimension", "trees", "search_k"):
        table.add_column(heading, justify="right")
    for channel in channels:
        numbers = (channel.dimension, channel.trees, channel.search_k) if channel.kind == "annoy" else ("", "", "")
        table.add_row(escape(channel.name), channel.kind, f"{channel.quota:g}", *map(str, numbers))
    return table


def _curves(channels: tuple[ChannelEntry, ...]) -> Table:
    table = Table(title="Recall of Annoy, as training measured it", title_justify="left", box=None, pad_edge=False)
    table.add_column("channel")
    for heading in ("candidates", "search_k", "recall", "ms"):
        table.add_column(heading, justify="right")
    for channel in channels:
        for point in channel.curve:
            numbers = (
                f"{point.neighbours:,}",
                f"{point.search_k:,}",
                f"{point.recall:.4f}",
                f"{point.milliseconds:.2f}",
            )
            table.add_row(escape(channel.name), *numbers)
    return table


def _files(manifest: Manifest) -> Table:
    table = Table(title="Files", title_justify="left", box=None, pad_edge=False)
    table.add_column("path")
    table.add_column("bytes", justify="right")
    table.add_column("sha256", style="dim")
    for entry in manifest.files:
        table.add_row(escape(entry.path), f"{entry.bytes:,}", entry.sha256[:12])
    table.add_row("[bold]all[/]", f"{total_bytes(manifest):,}", "")
    return table
