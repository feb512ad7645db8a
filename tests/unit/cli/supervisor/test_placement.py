"""Which service runs where."""

import os
from pathlib import Path

import pytest

from services.cli.supervisor import SERVICES, SuitePorts, suite_programs
from services.cli.supervisor.placement import placement


def test_on_one_cpu_there_is_nothing_to_choose() -> None:
    """Nor on none that is known of."""
    assert placement({0}) == placement(()) == {}


@pytest.mark.parametrize("cpus", [range(2, 4), range(3), (7, 1, 5, 3), range(16), range(9)])
def test_every_cpu_has_a_service_that_costs_much(cpus: range | tuple[int, ...]) -> None:
    """Of those that may be used, whatever their numbers; what costs least goes wherever there is room."""
    placed = placement(cpus)
    roaming = {"feature_store", "ranking"} if len(cpus) == 2 else {"feature_store"}
    assert placed.keys() == SERVICES.keys() - roaming
    assert all(placed.values())
    assert {cpu for some in placed.values() for cpu in some} == set(cpus)


def test_gateway_and_recall_never_share_one() -> None:
    """They are busy at the same time; where recall and ranking compute on threads they have all that is left."""
    for count in range(2, 20):
        placed = placement(range(count))
        assert len(placed["gateway"]) == 1
        assert not set(placed["gateway"]) & set(placed["recall"])
        ranking = placed.get("ranking", ())
        assert not {*placed["gateway"], *placed["recall"]} & set(ranking)
        assert len(placed["recall"]) >= len(ranking)


def test_services_are_told_their_cpus_only_when_asked_for(tmp_path: Path) -> None:
    """By the setting of their own."""
    ports = SuitePorts.free()
    free = suite_programs(tmp_path, ports)
    assert not any(name.endswith("_CPUS") for program in free for name in program.environment)
    placed = placement(os.sched_getaffinity(0))
    for program in suite_programs(tmp_path, ports, pin=True):
        expected = ",".join(map(str, placed[program.name])) if program.name in placed else None
        assert program.environment.get(f"{program.name.upper()}_CPUS") == expected


@pytest.mark.parametrize(("chosen", "told"), [("1", None), ("", "0")])
def test_cpus_that_somebody_chose_are_left_to_the_service(
    chosen: str, told: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It finds them in the environment that it inherits; there, nothing is no choice."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: {0, 1})
    monkeypatch.setenv("GATEWAY_CPUS", chosen)
    programs = {program.name: program for program in suite_programs(tmp_path, SuitePorts.free(), pin=True)}
    assert programs["gateway"].environment.get("GATEWAY_CPUS") == told
    assert programs["recall"].environment["RECALL_CPUS"] == "1"
