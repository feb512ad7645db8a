"""Golden requests come back as training wrote them."""

from pathlib import Path

import pytest

from shared.snapshot.errors import SnapshotRefused
from shared.snapshot.golden import GoldenEncoding, GoldenRanking, GoldenRequests, read_golden, write_golden

GOLDEN = GoldenRequests(
    encoders=[GoldenEncoding("sequence", history=[[-1, 3]], user_features=[[0.1, 1.0]], query=[[1 / 3, -2.5e-8]])],
    ranker=[
        GoldenRanking(
            history=[[-1, 3]], user_features=[[0.0]], candidates=[1, 2], candidate_query=[0, 0], scores=[[0.5], [0.25]]
        )
    ],
)


def test_golden_requests_come_back_as_they_were_written(tmp_path: Path) -> None:
    """To the last bit: the tolerance is for the models, not for the file."""
    write_golden(GOLDEN, tmp_path / "golden.json")
    assert read_golden(tmp_path / "golden.json") == GOLDEN


@pytest.mark.parametrize("content", [b"", b"{}", b'{"encoders": [{}], "ranker": []}', b'{"encoders": "\xff"}'])
def test_a_file_without_golden_requests_is_refused(tmp_path: Path, content: bytes) -> None:
    """Without them nothing shows that the models give what training computed."""
    folder = tmp_path / "s1"
    folder.mkdir()
    (folder / "golden.json").write_bytes(content)
    with pytest.raises(SnapshotRefused, match=r"^snapshot s1: golden\.json holds no golden requests"):
        read_golden(folder / "golden.json")
