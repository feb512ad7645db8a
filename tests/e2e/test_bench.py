"""The yardstick measures what it says, on a workload that is small enough for a test."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

#: A workload is drawn, two ceilings and two suites are started, and each measurement warms up first.
PATIENCE_SECONDS = 110


@pytest.mark.timeout(PATIENCE_SECONDS + 10)
def test_the_suite_is_measured_beside_its_ceiling(tmp_path: Path) -> None:
    """Every answer is whole, each process's cost is known, and questions travel together only where they may."""
    out = tmp_path / "bench.json"
    command = [
        *(
            sys.executable,
            "-m",
            "tests.bench",
            "--items",
            "2000",
            "--in-flight",
            "32",
            "--rounds",
            "2",
            "--seconds",
            "0.3",
            "--warmup",
            "0.2",
        ),
        *("--root", str(tmp_path), "--out", str(out)),
    ]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    assert ran.returncode == 0, ran.stderr
    (result,) = json.loads(out.read_text(encoding="utf-8"))
    batched, alone = result["closed loop"]["32"], result["closed loop, batching off"]["32"]
    for one in (batched, alone, *result["open loop"].values()):
        assert one["answers_per_second"] > 0
        assert (one["errors"], one["degraded"]) == (0, 0)
        assert set(one["cpu_ms"]) == {"load", "gateway", "feature_store", "recall", "ranking"}
    assert set(alone["batch_sizes"].values()) == {1.0}
    assert max(batched["batch_sizes"].values()) > 1.0
    assert result["ceiling"]["two processes"]["answers_per_second"] > 0
    assert "throughput at 32 in flight / the same with batching off" in ran.stdout
