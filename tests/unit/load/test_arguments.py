"""The command line of the load generator."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.load.arguments import read_arguments


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What is said about a wrong command line."""
    with pytest.raises(SystemExit) as caught:
        read_arguments(arguments)
    assert caught.value.code == 2
    return capsys.readouterr().err


def test_a_closed_loop_is_the_default() -> None:
    """Bounded in time and calls, on this machine."""
    [plan] = read_arguments([]).plans
    assert (plan.in_flight, plan.rate) == (16, None)
    assert plan.bounds.seconds == 30
    assert plan.bounds.calls == 1_000_000


def test_processes_share_the_load() -> None:
    """In flight, rate and calls are divided, and each process draws its own users."""
    closed = read_arguments(["--processes", "3", "--in-flight", "8", "--requests", "100"]).plans
    assert [plan.in_flight for plan in closed] == [3, 3, 2]
    assert [plan.bounds.calls for plan in closed] == [34, 33, 33]
    assert len({plan.seed for plan in closed}) == 3
    opened = read_arguments(["--processes", "2", "--rate", "50"]).plans
    assert [(plan.rate, plan.in_flight) for plan in opened] == [(25, None), (25, None)]


def test_another_machine_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """Unless it is asked for: a load test must not hit by mistake what others use."""
    assert "--allow-remote" in refused(capsys, "--target", "192.0.2.1:50051")
    [plan] = read_arguments(["--target", "192.0.2.1:50051", "--allow-remote"]).plans
    assert plan.target == "192.0.2.1:50051"


@pytest.mark.parametrize(
    ("target", "refuses"),
    [
        ("localhost:1", False),
        ("127.0.0.1:1", False),
        ("dns:///localhost:1", False),
        ("ipv4:127.0.0.1:1,127.0.0.2:1", False),
        ("ipv6:[::1]:1", False),
        ("unix:/run/winnow", False),
        ("ipv4:127.0.0.1:1,192.0.2.1:1", True),
        ("dns:///host.invalid:1", True),
    ],
)
def test_every_address_of_the_target_counts(capsys: pytest.CaptureFixture[str], target: str, refuses: bool) -> None:
    """One that is elsewhere, or unknown, is enough to refuse."""
    if refuses:
        assert "is not this machine" in refused(capsys, "--target", target)
    else:
        assert read_arguments(["--target", target]).plans[0].target == target


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--rate", "0"], "not above 0"),
        (["--in-flight", "-1"], "not above 0"),
        (["--rate", "5", "--in-flight", "5"], "not allowed with"),
        (["--warmup", "-1"], "below 0"),
        (["--mix", "stare=1"], "'stare' is none of recommend, similar, record"),
        (["--mix", "recommend=0"], "not all 0"),
        (["--users", "@/nowhere.txt"], "cannot be read"),
        (["--users", ","], "names no id"),
        (["--processes", "5", "--in-flight", "2"], "more processes than calls"),
    ],
)
def test_a_wrong_option_is_explained(capsys: pytest.CaptureFixture[str], arguments: list[str], problem: str) -> None:
    """Status 2 and the reason."""
    assert problem in refused(capsys, *arguments)


def test_the_result_quotes_what_it_was_measured_with(tmp_path: Path) -> None:
    """So that a number can be measured again."""
    options = read_arguments(["--rate", "7", "--users", "1-9", "--out", str(tmp_path / "out.json")])
    assert options.described["rate"] == 7
    assert "in_flight" not in options.described
    assert options.described["users"] == "1-9"
    assert options.out == tmp_path / "out.json"
