"""Published figures, on machines that have a copy of the data."""

import pytest

from services.training.benchmark.protocol import Request
from services.training.benchmark.registry import PROTOCOLS
from services.training.progress import Silence
from tests.published_data import published


def test_popularity_reaches_what_was_published_by_the_protocol_of_ncf() -> None:
    """.4535 and .2543 (Rendle et al., RecSys 2020): a wrong list of negatives, mask or tie would show at once."""
    folder = published("ml-1m", "ncf_test.txt")
    outcome = PROTOCOLS["ncf"].run(Request(folder, "popularity", {}, 0, 1, None, Silence()))
    assert outcome.metrics["hr@10"].mean == pytest.approx(0.4535, abs=0.002)
    assert outcome.metrics["ndcg@10"].mean == pytest.approx(0.2543, abs=0.001)
