"""From values to places on paper, and which values to write beside an axis."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """An axis.

    Attributes:
        low: The value at its start.
        high: The value at its end, above `low`.
        start: Where it starts on paper.
        end: Where it ends.
        logarithmic: Whether equal factors are equally far apart; `low` is then above 0.
        whole: Whether only whole numbers mean anything.
    """

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False
    whole: bool = False

    def __call__(self, value: float) -> float:
        """Returns where a value is; beyond the ends at the nearer one."""
        inside = min(max(value, self.low), self.high)
        if self.logarithmic:
            share = math.log(inside / self.low) / math.log(self.high / self.low)
        else:
            share = (inside - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Returns round values on the axis, about four to eight."""
        if not self.logarithmic:
            step = round_step(max((self.high - self.low) / 5, 1.0 if self.whole else 0.0))
            first = math.ceil(self.low / step - 1e-9)
            return [round(step * number, 10) for number in range(first, math.floor(self.high / step + 1e-9) + 1)]
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        factors = (1, 2, 5) if math.log10(self.high / self.low) < 3.2 else (1,)
        values = [round(factor * 10.0**decade, 10) for decade in decades for factor in factors]
        return [value for value in values if self.low * (1 - 1e-9) <= value <= self.high * (1 + 1e-9)]


def round_step(at_least: float) -> float:
    """Returns the least of 1, 2 and 5 times a power of ten that is not smaller."""
    power = 10.0 ** math.floor(math.log10(at_least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= at_least * (1 - 1e-9))


def from_zero(values: list[float], start: float, end: float) -> Scale:
    """Returns an axis from 0 to a round value that is not below any."""
    highest = max([*values, 0.0]) or 1.0
    step = round_step(highest / 5)
    return Scale(0.0, step * math.ceil(highest / step - 1e-9), start, end)


def written(value: float) -> str:
    """Returns a value as it stands beside an axis."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:g}"
