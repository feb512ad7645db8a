"""Which gateway a client calls."""

from __future__ import annotations

import pytest

from winnow.client.connection import TARGET_VARIABLE, resolve_target


def test_a_name_is_resolved_by_dns() -> None:
    """Host and port become a DNS target, so that calls are balanced over all addresses of the name."""
    assert resolve_target("gateway:50051") == "dns:///gateway:50051"


@pytest.mark.parametrize(
    "target", ["dns:///gateway:1", "ipv4:10.0.0.1:1,10.0.0.2:1", "ipv6:[::1]:1", "unix:/run/winnow", "xds:///gateway"]
)
def test_a_target_with_a_scheme_is_taken_as_it_is(target: str) -> None:
    """Every scheme of gRPC can be used."""
    assert resolve_target(target) == target


def test_the_environment_names_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """$WINNOW_TARGET counts where the caller names nothing."""
    monkeypatch.setenv(TARGET_VARIABLE, "gateway:1")
    assert resolve_target(None) == "dns:///gateway:1"
    assert resolve_target("other:2") == "dns:///other:2"


def test_without_anything_it_is_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The port is the gateway's default."""
    monkeypatch.delenv(TARGET_VARIABLE, raising=False)
    assert resolve_target(None) == "dns:///localhost:50051"
