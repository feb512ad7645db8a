"""The four services of the suite as programs of this machine."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from services.cli.supervisor.child import Program
from services.cli.supervisor.placement import placement
from services.cli.supervisor.ports import LOOPBACK, free_ports

#: By name, in the order in which they need each other: the name under which each reports readiness.
SERVICES: Mapping[str, str] = {
    "feature_store": "winnow.feature_store.v1.FeatureStoreService",
    "recall": "winnow.recall.v1.RecallService",
    "ranking": "winnow.ranking.v1.RankingService",
    "gateway": "winnow.gateway.v1.GatewayService",
}

#: Those that can be several processes: all but the one that owns the store's folder.
SCALABLE = ("recall", "ranking", "gateway")

_IN_PORT_ORDER = ("gateway", "feature_store", "recall", "ranking")
DEFAULT_PORT_BASE = 50051
DEFAULT_METRICS_PORT_BASE = 9101


@dataclass(frozen=True)
class SuitePorts:
    """Where the services listen.

    Attributes:
        rpc: The gRPC port of each service.
        metrics: The port of each service's Prometheus metrics; 0 for none.
    """

    rpc: Mapping[str, int]
    metrics: Mapping[str, int]

    @classmethod
    def from_base(cls, base: int = DEFAULT_PORT_BASE, metrics_base: int = DEFAULT_METRICS_PORT_BASE) -> Self:
        """Returns gateway, feature_store, recall and ranking on consecutive ports.

        Args:
            base: The gateway's; 0 takes ports that are free, wherever they are.
            metrics_base: Likewise for metrics; 0 for none.
        """
        rpc = [base + offset for offset in range(len(_IN_PORT_ORDER))] if base else free_ports(len(_IN_PORT_ORDER))
        metrics = [metrics_base + offset if metrics_base else 0 for offset in range(len(_IN_PORT_ORDER))]
        return cls(dict(zip(_IN_PORT_ORDER, rpc, strict=True)), dict(zip(_IN_PORT_ORDER, metrics, strict=True)))

    @classmethod
    def free(cls) -> Self:
        """Returns ports that nothing listens on, without metrics."""
        return cls.from_base(0, 0)

    def replace(self, **rpc: int | None) -> Self:
        """Returns these ports with some services' gRPC ports replaced; None leaves one as it is."""
        chosen = {name: port for name, port in rpc.items() if port is not None}
        return type(self)({**self.rpc, **chosen}, self.metrics)

    def target(self, name: str) -> str:
        """Returns where a service is reached from this machine."""
        return f"{LOOPBACK}:{self.rpc[name]}"


def suite_programs(
    root: Path,
    ports: SuitePorts,
    *,
    snapshots: Path | None = None,
    store: Path | None = None,
    host: str = LOOPBACK,
    settings: Mapping[str, str] | None = None,
    workers: int | None = None,
    pin: bool = False,
) -> list[Program]:
    """Returns the four services, each after those that it needs.

    Args:
        root: Where the feature store and the logs are kept.
        ports: Where they listen.
        snapshots: The folder that training publishes to; `snapshots` below `root` when None.
        store: The folder of the feature store; `feature_store` below `root` when None.
        host: The address that they listen on.
        settings: More settings by the names of their environment variables, such as `RANKING_DEVICE`.
        workers: Processes of each service that can be several; what the environment says when None.
        pin: Whether to keep each service to CPUs of its own, as `placement` gives them where its setting says nothing.
    """
    root = root.resolve()
    published = (snapshots or root / "snapshots").resolve()
    kept = (store or root / "feature_store").resolve()
    shared_settings = dict(settings or {})
    if workers is not None:
        shared_settings |= {f"{name.upper()}_WORKERS": str(workers) for name in SCALABLE}
    if pin:
        own = {**os.environ, **shared_settings}
        placed = placement(os.sched_getaffinity(0), _count(own.get("GATEWAY_WORKERS", "")))
        cpus_of = {f"{name.upper()}_CPUS": ",".join(map(str, cpus)) for name, cpus in placed.items()}
        shared_settings |= {variable: cpus for variable, cpus in cpus_of.items() if not own.get(variable)}
    return [
        Program(
            name=name,
            command=(sys.executable, "-m", f"services.{name}"),
            log=root / "logs" / f"{name}.log",
            target=ports.target(name),
            readiness=readiness,
            ports={"gRPC": ports.rpc[name]} | ({"metrics": ports.metrics[name]} if ports.metrics[name] else {}),
            host=host,
            environment=_environment(name, ports, published, kept, host) | shared_settings,
        )
        for name, readiness in SERVICES.items()
    ]


def _environment(name: str, ports: SuitePorts, snapshots: Path, store: Path, host: str) -> dict[str, str]:
    prefix = name.upper()
    environment = {
        f"{prefix}_HOST": host,
        f"{prefix}_PORT": str(ports.rpc[name]),
        f"{prefix}_METRICS_PORT": str(ports.metrics[name]),
        f"{prefix}_SNAPSHOT_DIR": str(snapshots),
    }
    if name == "gateway":
        environment |= {
            f"GATEWAY_{neighbour.upper()}_LINKS": _links(ports, neighbour)
            for neighbour in SERVICES
            if neighbour != name
        }
    else:
        environment[f"{prefix}_LINKS"] = _links(ports, name)
    if name == "feature_store":
        environment["FEATURE_STORE_PATH"] = str(store)
    if name == "recall":
        environment["RECALL_FEATURE_STORE_TARGET"] = ports.target("feature_store")
    if name == "gateway":
        for neighbour in SERVICES:
            if neighbour != name:
                environment[f"GATEWAY_{neighbour.upper()}_TARGET"] = ports.target(neighbour)
    return environment


def _count(text: str) -> int:
    """Returns the number of workers that a setting tells; 1 where that is none, which the service refuses by itself."""
    return max(1, int(text)) if text.strip().isdecimal() else 1


def _links(ports: SuitePorts, name: str) -> str:
    """Returns where a service takes links: nowhere but on Linux, whose abstract sockets leave no file behind."""
    return f"unix-abstract:winnow-{ports.rpc[name]}" if sys.platform == "linux" else ""
