"""Measurements taken in turns.

A machine that others share is half as quick in one minute as in the next. So what is to be compared is measured over and
over, each a few seconds at a time, and ratios are taken of neighbours in time.
"""

import statistics
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import TypeVar

from tests.bench.measured import Measured

#: What a thing gave, round by round.
Rounds = Sequence[Measured]

Measure = Callable[[], Awaitable[Measured]]

Name = TypeVar("Name", bound=Hashable)


async def in_turns(measures: Mapping[Name, Measure], rounds: int) -> dict[Name, Rounds]:
    """Takes each measurement once a round, in their order; returns them by the same names."""
    taken: dict[Name, list[Measured]] = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            taken[name].append(await measure())
    return {name: tuple(some) for name, some in taken.items()}


def together(rounds: Rounds) -> Measured:
    """Returns one line for measurements of equal length: averages, sums of what went wrong, the median of each percentile."""
    answers = [one.answers_per_second for one in rounds]

    def an_answer(figures: Sequence[float]) -> float:
        return sum(figure * weight for figure, weight in zip(figures, answers, strict=True)) / sum(answers)

    return Measured(
        answers_per_second=round(statistics.fmean(answers), 1),
        latency_ms={name: statistics.median(one.latency_ms[name] for one in rounds) for name in rounds[0].latency_ms},
        errors=sum(one.errors for one in rounds),
        degraded=sum(one.degraded for one in rounds),
        cpu_ms={name: round(an_answer([one.cpu_ms[name] for one in rounds]), 3) for name in rounds[0].cpu_ms},
        batch_sizes={
            # Of the rounds in which the method was asked at all.
            name: round(statistics.fmean(one.batch_sizes[name] for one in rounds if name in one.batch_sizes), 2)
            for name in rounds[0].batch_sizes
        },
    )


def ratio(over: Rounds, under: Rounds, figure: Callable[[Measured], float]) -> float:
    """Returns how a figure of one compares with that of another: the median of the ratios of the rounds."""
    return statistics.median(figure(a) / figure(b) for a, b in zip(over, under, strict=True))
