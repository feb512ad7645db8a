"""Threads are sized to what the container may use, not to the host."""

import os
from pathlib import Path

import pytest

from shared.quota import cpu_quota, thread_share


@pytest.fixture(autouse=True)
def eight_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets this process run on eight CPUs."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: set(range(8)))


@pytest.mark.parametrize(
    ("cpu_max", "expected"),
    [
        ("200000 100000\n", 2),
        ("250000 100000\n", 2),
        ("50000 100000\n", 1),
        ("6400000 100000\n", 8),
        ("max 100000\n", 8),
        ("", 8),
        ("nonsense\n", 8),
        ("many 100000\n", 8),
    ],
)
def test_the_quota_is_what_the_container_may_use(tmp_path: Path, cpu_max: str, expected: int) -> None:
    """Whole CPUs, at least one, at most those of the affinity; a file that says nothing sets no quota."""
    (tmp_path / "cpu.max").write_text(cpu_max)
    assert cpu_quota(tmp_path / "cpu.max") == expected


def test_without_a_container_the_affinity_counts(tmp_path: Path) -> None:
    """Where there is no such file, all CPUs that the process may run on are used."""
    assert cpu_quota(tmp_path / "absent") == 8


def test_workers_share_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Together they take what one alone would, and each has at least one."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: set(range(5)))
    assert [thread_share(workers) for workers in (1, 2, 5, 8)] == [5, 2, 1, 1]
