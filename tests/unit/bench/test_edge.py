"""The measurement of what surrounds a call."""

from tests.bench.edge import measure


async def test_every_part_is_measured() -> None:
    """Few calls say little, but they go the way that many would."""
    spent = await measure(calls=20, rounds=2)
    assert next(iter(spent)) == "the edge"
    assert len(spent) == 8
    assert spent["(a call over a socket without the edge)"] > 0
