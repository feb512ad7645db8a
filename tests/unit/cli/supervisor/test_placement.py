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


def test_each_worker_of_the_gateway_has_a_cpu_while_half_are_left_for_the_others() -> None:
    """It is an event loop that keeps one busy: several on one CPU would serve no more than one does."""
    assert placement(range(16), 4) == {
        "gateway": (0, 1, 2, 3),
        "ranking": (4, 5, 6, 7, 8, 9),
        "recall": (10, 11, 12, 13, 14, 15),
    }
    assert placement(range(4), 4) == {"gateway": (0, 1), "ranking": (2,), "recall": (3,)}
    for count in range(2, 20):
        assert placement(range(count), 1) == placement(range(count))
        for workers in range(1, 20):
            placed = placement(range(count), workers)
            assert len(placed["gateway"]) == min(workers, count // 2)
            assert sorted(cpu for some in placed.values() for cpu in some) == list(range(count))


@pytest.mark.parametrize(("told", "inherited", "cpus"), [(3, "1", "0,1,2"), (None, "2", "0,1"), (None, "many", "0")])
def test_the_gateway_has_cpus_for_as_many_workers_as_it_is_told_of(
    told: int | None, inherited: str, cpus: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the command line, or by its environment; what is no number the gateway refuses by itself."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: set(range(8)))
    monkeypatch.setenv("GATEWAY_WORKERS", inherited)
    programs = {
        program.name: program for program in suite_programs(tmp_path, SuitePorts.free(), workers=told, pin=True)
    }
    assert programs["gateway"].environment["GATEWAY_CPUS"] == cpus


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
