"""How long to wait before a restart."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.workers.backoff import Backoff


def test_the_pause_doubles_up_to_the_longest() -> None:
    """A service that fails at once does not keep the machine busy."""
    backoff = Backoff(first=0.2, longest=1.0, steady=10.0)
    pauses: list[float] = []
    for _ in range(5):
        pauses.append(backoff.after(pauses[-1] if pauses else None, ran=0.1))
    assert pauses == [0.2, 0.4, 0.8, 1.0, 1.0]


def test_a_steady_run_starts_the_pauses_anew() -> None:
    """A service that ran well is back at once."""
    assert Backoff(first=0.2, longest=1.0, steady=10.0).after(1.0, ran=10.0) == 0.2


@given(previous=st.none() | st.floats(0.2, 1.0), ran=st.floats(0, 1e6))
def test_no_pause_leaves_its_bounds(previous: float | None, ran: float) -> None:
    """Whatever came before."""
    assert 0.2 <= Backoff(first=0.2, longest=1.0).after(previous, ran) <= 1.0
