"""What became of a number of look-ups."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def summary(milliseconds: Sequence[float], elapsed_seconds: float) -> dict[str, Any]:
    """Returns p50 and p99 in milliseconds, look-ups a second, and how many there were."""
    p50, p99 = np.percentile(milliseconds, [50, 99])
    return {
        "p50_ms": round(float(p50), 4),
        "p99_ms": round(float(p99), 4),
        "per_second": round(len(milliseconds) / elapsed_seconds, 1),
        "lookups": len(milliseconds),
    }
