"""The four services as programs."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from services.cli.supervisor import SERVICES, SuitePorts, suite_programs
from shared.exchange.link_address import LinkAddress


def test_the_services_find_each_other(tmp_path: Path) -> None:
    """The gateway is told where the three others listen, recall where the feature store does, and each to listen there."""
    programs = {program.name: program for program in suite_programs(tmp_path, SuitePorts.from_base(6000, 7000))}
    gateway = programs["gateway"].environment
    assert gateway["GATEWAY_PORT"] == "6000"
    assert gateway["GATEWAY_METRICS_PORT"] == "7000"
    for name, port in {"feature_store": "6001", "recall": "6002", "ranking": "6003"}.items():
        prefix = name.upper()
        assert programs[name].environment[f"{prefix}_PORT"] == port
        assert gateway[f"GATEWAY_{prefix}_TARGET"] == f"127.0.0.1:{port}"
    assert programs["recall"].environment["RECALL_FEATURE_STORE_TARGET"] == "127.0.0.1:6001"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has abstract sockets")
def test_the_gateway_is_told_where_the_others_take_links(tmp_path: Path) -> None:
    """At an address of its own for each, on this machine alone; two suites side by side do not meet."""
    first, second = (
        {program.name: program.environment for program in suite_programs(tmp_path, SuitePorts.from_base(base))}
        for base in (6000, 6004)
    )
    names = ("feature_store", "recall", "ranking")
    links = [suite[name][f"{name.upper()}_LINKS"] for suite in (first, second) for name in names]
    assert [first["gateway"][f"GATEWAY_{name.upper()}_LINKS"] for name in names] == links[:3]
    assert len(set(links)) == 6
    assert all(LinkAddress.parse(one).is_local for one in links)


def test_all_read_the_same_snapshots_and_write_below_the_root(tmp_path: Path) -> None:
    """One folder for snapshots, one for the store, one log file each."""
    programs = suite_programs(tmp_path, SuitePorts.from_base())
    folders = {program.environment[f"{program.name.upper()}_SNAPSHOT_DIR"] for program in programs}
    assert folders == {str(tmp_path / "snapshots")}
    assert len({program.log for program in programs}) == len(programs) == 4
    store = next(program for program in programs if program.name == "feature_store")
    assert store.environment["FEATURE_STORE_PATH"] == str(tmp_path / "feature_store")


def test_the_gateway_starts_last(tmp_path: Path) -> None:
    """It needs the others, and is stopped before them."""
    assert [program.name for program in suite_programs(tmp_path, SuitePorts.from_base())][-1] == "gateway"


def test_a_service_can_be_moved_alone() -> None:
    """One port is replaced, the others stay."""
    ports = SuitePorts.from_base(6000).replace(recall=7777, ranking=None)
    assert ports.rpc == {"gateway": 6000, "feature_store": 6001, "recall": 7777, "ranking": 6003}
    assert ports.target("recall") == "127.0.0.1:7777"


def test_metrics_can_be_turned_off(tmp_path: Path) -> None:
    """Without a base there are no metrics ports to take."""
    programs = suite_programs(tmp_path, SuitePorts.from_base(6000, 0))
    assert all(list(program.ports) == ["gRPC"] for program in programs)
    assert programs[0].environment["FEATURE_STORE_METRICS_PORT"] == "0"


def test_free_ports_can_be_listened_on() -> None:
    """All different, and nothing listens on any."""
    ports = SuitePorts.free()
    assert len(set(ports.rpc.values())) == len(SERVICES)
    for port in ports.rpc.values():
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
