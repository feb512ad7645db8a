"""The course of a fit, in a line of text."""

from services.training.benchmark.curves import curve_line


def test_a_rising_curve_climbs_from_the_lowest_bar_to_the_highest() -> None:
    """One bar for each of eight equal steps."""
    curve = [0.01 * step for step in range(1, 9)]
    assert curve_line(curve) == "`▁▂▃▄▅▆▇█` 0.0100, best 0.0800 (epoch 8 of 8), last 0.0800"


def test_the_first_of_equally_good_epochs_is_the_best() -> None:
    """As early stopping has it."""
    assert curve_line([0.1, 0.3, 0.2, 0.3]) == "`▁█▅█` 0.1000, best 0.3000 (epoch 2 of 4), last 0.3000"


def test_a_long_curve_is_short_to_read_and_keeps_its_best_epoch() -> None:
    """A peak between the epochs that are shown would be lost."""
    curve = [0.1] * 200
    curve[101] = 0.5
    line = curve_line(curve)
    assert line.count("▁") + line.count("█") <= 60
    assert line.count("█") == 1
    assert "best 0.5000 (epoch 102 of 200)" in line


def test_a_flat_curve_and_a_single_epoch_can_be_drawn() -> None:
    """There is no range to divide by."""
    assert curve_line([0.2, 0.2]).startswith("`██` 0.2000, best 0.2000 (epoch 1 of 2)")
    assert curve_line([0.2]) == "`█` 0.2000, best 0.2000 (1 epoch), last 0.2000"


def test_where_nothing_was_found_no_epoch_is_the_best() -> None:
    """The fit kept the one with the least loss, which need not be the first."""
    assert curve_line([0.0, 0.0]) == "`██` 0.0000 after each of 2 epochs"
