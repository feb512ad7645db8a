"""The suite under load: five processes, the load generator included, on one machine."""

import asyncio
import json
import os
import sys
import tempfile
import urllib.request
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from prometheus_client.parser import text_string_to_metric_families

from services.cli import user_import
from services.cli.supervisor import SERVICES, SuitePorts, Supervisor, suite_programs
from services.cli.supervisor.ports import LOOPBACK, free_ports
from tests.bench import usage
from tests.bench.measured import Measured
from tests.bench.workload.shape import RESULTS, Person, item_id
from winnow.feature_store.v1 import feature_store_service_pb2 as pb
from winnow.feature_store.v1.feature_store_service_pb2_grpc import FeatureStoreServiceStub

#: Loading a million items takes half a minute, and every service verifies its files.
START_SECONDS = 600.0

#: Nothing may be given up on because the machine is busy: what is late must show as latency.
PATIENT = {
    f"GATEWAY_{stage}_BUDGET_MS": "5000" for stage in ("USER_FEATURES", "RECALL", "CANDIDATE_FEATURES", "RANKING")
} | {"GATEWAY_REQUEST_DEADLINE_MS": "10000", "RECALL_CHANNEL_TIMEOUT_MS": "5000"}

#: What a suite without batching is told: a question a call, as many calls as there are questions, and in ranking, where calls
#: that wait for each other are merged, a run for each.
UNBATCHED = {
    "GATEWAY_BATCH_REQUESTS": "1",
    "GATEWAY_BATCHES_IN_FLIGHT": "1024",
    "RANKING_MERGE_CANDIDATES": "1",
}

_FIRST_EVENT_MS = 1_600_000_000_000
_BATCHES = "winnow_gateway_batch_questions"


@dataclass
class Suite:
    """A running suite that knows the workload's users.

    Attributes:
        ports: Where the services listen.
        supervisor: Knows their processes.
        users: File of the users' ids.
        warmup: Seconds of load before each measurement.
    """

    ports: SuitePorts
    supervisor: Supervisor
    users: Path
    warmup: float

    async def closed_loop(self, in_flight: int, seconds: float) -> Measured:
        """Measures with a number of calls in flight."""
        await self._load(("--in-flight", str(in_flight)), self.warmup)
        return await self._measure(("--in-flight", str(in_flight)), seconds)

    async def open_loop(self, rate: float, seconds: float) -> Measured:
        """Measures at a constant rate."""
        await self._load(("--rate", f"{rate:.1f}"), self.warmup)
        return await self._measure(("--rate", f"{rate:.1f}"), seconds)

    def memory(self) -> dict[str, dict[str, float]]:
        """Returns each service's memory in MiB: all of it, and what it shares with nobody."""
        return {
            name: {
                "resident": round(usage.resident_bytes(pid) / 2**20, 1),
                "private": round(usage.private_bytes(pid) / 2**20, 1),
            }
            for name, pid in self._pids().items()
        }

    async def _measure(self, loop: Sequence[str], seconds: float) -> Measured:
        cpu, batches = self._cpu(), await self._batches()
        result = await self._load(loop, seconds)
        after, batches_after = self._cpu(), await self._batches()
        calls = result["calls"]
        cpu_ms = {name: (after[name] - cpu[name]) / calls * 1e3 for name in cpu}
        cpu_ms["load"] = result["cpu_seconds"] / calls * 1e3
        return Measured(
            answers_per_second=result["answers_per_second"],
            latency_ms=result["latency_ms"],
            errors=calls - result["answers"],
            degraded=result["degraded_answers"],
            cpu_ms={name: round(milliseconds, 3) for name, milliseconds in cpu_ms.items()},
            batch_sizes={
                method: round((questions - batches[method][0]) / (sent - batches[method][1]), 2)
                for method, (questions, sent) in batches_after.items()
                if sent > batches[method][1]
            },
        )

    async def _load(self, loop: Sequence[str], seconds: float) -> dict[str, Any]:
        """Loads the suite from a process of its own, as any other caller would."""
        out = self.users.with_name("load.json")
        command = [
            *(
                sys.executable,
                "-m",
                "tests.load",
                "--target",
                self.ports.target("gateway"),
                "--users",
                f"@{self.users}",
            ),
            *("--seconds", str(seconds), "--warmup", "0", "--timeout", "10", "--max-results", str(RESULTS)),
            *("--out", str(out), *loop),
        ]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
        if await process.wait():
            raise RuntimeError(f"the load generator ended with status {process.returncode}; it has said why")
        result: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
        return result

    def _pids(self) -> dict[str, int]:
        return {name: pid for name in SERVICES if (pid := self.supervisor.pid(name)) is not None}

    def _cpu(self) -> dict[str, float]:
        return {name: usage.cpu_seconds(pid) for name, pid in self._pids().items()}

    async def _batches(self) -> dict[str, tuple[float, float]]:
        """Returns, for each method, how many questions were sent so far, and in how many batches."""
        address = f"http://{LOOPBACK}:{self.ports.metrics['gateway']}/metrics"
        text = await asyncio.to_thread(lambda: urllib.request.urlopen(address, timeout=30).read().decode())
        totals: dict[str, dict[str, float]] = {}
        for family in text_string_to_metric_families(text):
            if family.name == _BATCHES:
                for sample in family.samples:
                    totals.setdefault(sample.labels["method"], {})[sample.name] = sample.value
        return {method: (one[f"{_BATCHES}_sum"], one[f"{_BATCHES}_count"]) for method, one in totals.items()}


@asynccontextmanager
async def running_suite(
    snapshots: Path,
    people: Sequence[Person],
    settings: Mapping[str, str] | None = None,
    *,
    warmup: float = 3.0,
    pin: bool = True,
) -> AsyncIterator[Suite]:
    """Starts the four services on free ports, each on CPUs of its own if so told, and tells the feature store the users."""
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        users = root / "users.txt"
        users.write_text("\n".join(person.id for person in people), encoding="utf-8")
        metrics = dict(zip(SERVICES, free_ports(len(SERVICES)), strict=True))
        ports = SuitePorts(SuitePorts.free().rpc, metrics)
        programs = suite_programs(root, ports, snapshots=snapshots, settings={**PATIENT, **(settings or {})}, pin=pin)
        async with Supervisor(programs, start_seconds=START_SECONDS) as supervisor:
            await asyncio.to_thread(_import, people, ports.target("feature_store"))
            yield Suite(ports, supervisor, users, warmup)


def _import(people: Sequence[Person], target: str) -> None:
    with grpc.insecure_channel(target) as channel:
        store = FeatureStoreServiceStub(channel)
        for batch in user_import.batches(map(_imported, people)):
            store.ImportUsers(pb.ImportUsersRequest(users=batch), timeout=60.0)


def _imported(person: Person) -> pb.ImportedUser:
    return pb.ImportedUser(
        user_id=person.id,
        attributes={
            name: pb.AttributeValue(text=value) if isinstance(value, str) else pb.AttributeValue(number=value)
            for name, value in person.attributes.items()
        },
        item_ids=[item_id(row) for row in person.rows.tolist()],
        occurred_at_ms=[_FIRST_EVENT_MS + 60_000 * place for place in range(len(person.rows))],
        types=[pb.EVENT_TYPE_VIEW],
    )


def machine() -> str:
    """Returns the processor and how many of them there are, for the reader of the figures."""
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    name = names[0].split(":", 1)[1].strip() if names else "unknown processor"
    return f"{len(os.sched_getaffinity(0))} CPUs of {name}, Python {sys.version.split()[0]}"
