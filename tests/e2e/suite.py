"""The running suite, as tests see it."""

import asyncio
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import msgspec
import pytest

from services.cli import user_import
from services.cli.supervisor import SERVICES, SuitePorts, Supervisor, suite_programs
from services.cli.until_whole import until_whole
from services.training.config import TrainingConfig
from services.training.datasets import Dataset
from services.training.job import train
from shared.snapshot.manifest import MANIFEST_FILE, encode_manifest, read_manifest
from tests.e2e.traffic import PATIENCE_SECONDS
from winnow.client import AsyncWinnowClient
from winnow.gateway.v1 import gateway_service_pb2 as gateway_pb
from winnow.gateway.v1.gateway_service_pb2_grpc import GatewayServiceStub

#: These tests are about what is answered. On a busy machine a stage may outlast its usual share of a deadline.
PATIENT = {
    f"GATEWAY_{stage}_BUDGET_MS": "10000" for stage in ("USER_FEATURES", "RECALL", "CANDIDATE_FEATURES", "RANKING")
} | {"RECALL_CHANNEL_TIMEOUT_MS": "10000"}


def be_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has the suites that commands start be as `PATIENT` as those of this module."""
    for name, value in PATIENT.items():
        monkeypatch.setenv(name, value)


@dataclass
class News:
    """What the supervisor reported, and a way to wait for it."""

    lines: list[str] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, line: str) -> None:
        """Takes a line."""
        self.lines.append(line)
        self.changed.set()

    async def heard(self, beginning: str) -> None:
        """Waits for a line that begins so, and takes it off the list."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (found := [line for line in self.lines if line.startswith(beginning)]):
                self.changed.clear()
                await self.changed.wait()
            self.lines.remove(found[0])


class Suite:
    """Four services and a client of their gateway."""

    def __init__(
        self,
        *,
        root: Path,
        dataset: Dataset,
        ports: SuitePorts,
        supervisor: Supervisor,
        client: AsyncWinnowClient,
        news: News,
    ) -> None:
        self.root = root
        self.snapshot_id = ""
        self.dataset = dataset
        self.ports = ports
        self.client = client
        self.services = tuple(SERVICES)
        self.user_ids: Sequence[str] = [user.id for user in dataset.users]
        self.item_ids: Sequence[str] = [item.id for item in dataset.items]
        self.categories = sorted({category for item in dataset.items for category in item.categories})
        newest = int(dataset.interactions.timestamps.max())
        self.now = datetime.fromtimestamp(newest / 1000, tz=UTC) + timedelta(days=1)
        self._supervisor = supervisor
        self._news = news

    def pid(self, name: str) -> int:
        """Returns the process of a service that is running."""
        pid = self._supervisor.pid(name)
        assert pid is not None, f"{name} is not running"
        return pid

    async def heard(self, beginning: str) -> None:
        """Waits until the supervisor reports something that begins so."""
        await self._news.heard(beginning)

    async def settled(self) -> None:
        """Waits until the suite is whole, and forgets what was reported until then: a test that failed leaves some."""
        await self.until_whole()
        self._news.lines.clear()

    async def logged(self, name: str, words: str) -> None:
        """Waits until a service's log holds `words`; asks the suite meanwhile, so that time passes in its terms."""
        log = self.root / "logs" / f"{name}.log"
        async with asyncio.timeout(PATIENCE_SECONDS):
            while words not in await asyncio.to_thread(log.read_text):
                await self.call(self.user_ids[0])

    async def until_whole(self) -> None:
        """Waits until the suite answers `client` and nothing is degraded."""
        await self._supervisor.until_ready()
        assert await until_whole(self.client, PATIENCE_SECONDS) == []

    async def call(self, user_id: str) -> str:
        """Asks once over a connection of its own, without retries: "OK", or the status and what it says."""
        options = [("grpc.enable_retries", 0), ("grpc.use_local_subchannel_pool", 1)]
        async with grpc.aio.insecure_channel(self.ports.target("gateway"), options) as channel:
            try:
                await GatewayServiceStub(channel).Recommend(
                    gateway_pb.RecommendRequest(user_id=user_id), timeout=PATIENCE_SECONDS
                )
            except grpc.aio.AioRpcError as error:
                return f"{error.code().name}: {error.details()}"
        return "OK"

    def items_in(self, category: str) -> list[str]:
        """Returns the ids of a category's items."""
        return [item.id for item in self.dataset.items if category in item.categories]

    async def share_of_category(self, user_id: str, category: str) -> float:
        """Returns the share of a category in a user's twenty best items."""
        result = await self.client.recommend(user_id, max_results=20)
        return sum(category in item.categories for item in result.items) / len(result.items)

    async def user_and_category_far_apart(self) -> tuple[str, str]:
        """Returns a user, and of the larger categories the one that the user's answer has least of."""
        sizes = Counter(category for item in self.dataset.items for category in item.categories)
        user_id = self.user_ids[2]
        large = [category for category, size in sizes.most_common(6) if size >= 20]
        shares = {category: await self.share_of_category(user_id, category) for category in large}
        return user_id, min(shares, key=lambda category: (shares[category], category))


@asynccontextmanager
async def running_suite(
    root: Path,
    snapshots: Path,
    dataset: Dataset,
    workers: int | None = None,
    settings: Mapping[str, str] | None = None,
) -> AsyncIterator[Suite]:
    """Runs the four services on free ports with the users of `dataset` imported."""
    news = News()
    ports = SuitePorts.free()
    programs = suite_programs(
        root, ports, snapshots=snapshots, settings=PATIENT | dict(settings or {}), workers=workers
    )
    async with (
        Supervisor(programs, report=news) as supervisor,
        AsyncWinnowClient(ports.target("gateway"), timeout=PATIENCE_SECONDS) as client,
    ):
        suite = Suite(root=root, dataset=dataset, ports=ports, supervisor=supervisor, client=client, news=news)
        await asyncio.to_thread(user_import.import_all, dataset, ports.target("feature_store"))
        await suite.until_whole()
        suite.snapshot_id = (await client.recommend(suite.user_ids[0])).snapshot_id
        yield suite


def publish_trained_snapshot(dataset: Dataset, root: Path, **chosen: Any) -> str:
    """Trains on `dataset` and activates the snapshot below `root`; returns its id.

    Args:
        dataset: What to learn from.
        root: Of the repository.
        chosen: Settings at the top and tables, instead of the defaults.
    """
    return train(TrainingConfig.model_validate(chosen), dataset, root).snapshot_id


def renamed_copy(folder: Path, copy: Path) -> Path:
    """Copies a snapshot to a folder, whose name is the copy's id; returns that folder."""
    shutil.copytree(folder, copy)
    manifest = msgspec.structs.replace(read_manifest(folder), id=copy.name)
    (copy / MANIFEST_FILE).write_bytes(encode_manifest(manifest))
    return copy


def damaged_copy(folder: Path, path: str) -> str:
    """Copies a snapshot beside itself with the last byte of one file changed; returns the copy's id."""
    copy = renamed_copy(folder, folder.with_name(f"{folder.name}-damaged"))
    content = bytearray((copy / path).read_bytes())
    content[-1] ^= 0xFF
    (copy / path).write_bytes(content)
    return copy.name
