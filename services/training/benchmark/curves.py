"""The course of a fit, in a line of text."""

from __future__ import annotations

from collections.abc import Sequence

_BARS = "▁▂▃▄▅▆▇█"
_MOST_BARS = 60


def curve_line(curve: Sequence[float]) -> str:
    """Returns a bar for each epoch, from the lowest value to the highest, and the figures that matter.

    A long curve shows the best of each few epochs, so that its best epoch is always among the bars.

    Args:
        curve: The validation NDCG@10 after each epoch; at least one.
    """
    if len(curve) > 1 and not any(curve):  # the epoch with the least loss was kept, which the curve does not tell
        return f"`{_bars(curve)}` {curve[0]:.4f} after each of {len(curve)} epochs"
    best = max(range(len(curve)), key=lambda epoch: curve[epoch])
    epochs = "1 epoch" if len(curve) == 1 else f"epoch {best + 1} of {len(curve)}"
    return f"`{_bars(curve)}` {curve[0]:.4f}, best {curve[best]:.4f} ({epochs}), last {curve[-1]:.4f}"


def _bars(curve: Sequence[float]) -> str:
    together = -(-len(curve) // _MOST_BARS)
    shown = [max(curve[start : start + together]) for start in range(0, len(curve), together)]
    low, high = min(shown), max(shown)
    if low == high:
        return _BARS[-1] * len(shown)
    return "".join(_BARS[round((value - low) / (high - low) * (len(_BARS) - 1))] for value in shown)
