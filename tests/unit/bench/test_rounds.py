"""Measurements that are taken in turns."""

import asyncio
from collections.abc import Awaitable, Callable

from tests.bench.measured import Measured
from tests.bench.rounds import in_turns, ratio, together


def measured(answers_per_second: float, p50: float = 1.0, **others: object) -> Measured:
    """One round."""
    return Measured(answers_per_second, {"p50": p50}, **others)  # type: ignore[arg-type]


def test_each_is_measured_once_a_round() -> None:
    """What is compared is measured at nearly the same time, not one after all rounds of the other."""
    order: list[str] = []

    def taking(name: str) -> Callable[[], Awaitable[Measured]]:
        async def measure() -> Measured:
            order.append(name)
            return measured(len(order))

        return measure

    taken = asyncio.run(in_turns({name: taking(name) for name in ("suite", "ceiling")}, rounds=2))
    assert order == ["suite", "ceiling", "suite", "ceiling"]
    assert [one.answers_per_second for one in taken["ceiling"]] == [2, 4]


def test_a_ratio_is_not_moved_by_a_machine_that_slows_down() -> None:
    """Half as quick from one round to the next, twice as quick as the other in each."""
    suite = [measured(400.0), measured(200.0), measured(100.0)]
    other = [measured(200.0), measured(100.0), measured(50.0)]
    assert ratio(suite, other, lambda one: one.answers_per_second) == 2.0


def test_one_disturbed_round_does_not_make_the_ratio() -> None:
    """The median of 2, 2 and 20."""
    suite = [measured(200.0), measured(200.0), measured(200.0)]
    other = [measured(100.0), measured(10.0), measured(100.0)]
    assert ratio(suite, other, lambda one: one.answers_per_second) == 2.0


def test_rounds_make_one_line() -> None:
    """Costs are of an answer, so the round with three times as many counts three times; what went wrong is added up."""
    line = together(
        [
            measured(300.0, p50=1.0, errors=1, cpu_ms={"gateway": 1.0}, batch_sizes={"Score": 4.0}),
            measured(100.0, p50=9.0, degraded=2, cpu_ms={"gateway": 5.0}, batch_sizes={"Score": 8.0}),
            measured(0.0, p50=2.0, cpu_ms={"gateway": 7.0}),
        ]
    )
    assert line == Measured(
        133.3, {"p50": 2.0}, errors=1, degraded=2, cpu_ms={"gateway": 2.0}, batch_sizes={"Score": 6.0}
    )
