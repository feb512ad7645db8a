"""Small click-through logs."""

from pathlib import Path

import numpy as np


def clicks_folder(folder: Path) -> Path:
    """Writes logs in which an item is taken on one of two weekdays, which neither item nor weekday says alone."""
    rng = np.random.default_rng(0)
    for split, rows in (("train", 2000), ("valid", 300), ("test", 300)):
        item, day = rng.integers(8, size=rows), rng.integers(2, size=rows)
        table = np.stack([(item % 2 == day).astype(int), rng.integers(5, size=rows), item, day], axis=1)
        lines = "\n".join(",".join(map(str, row)) for row in table.tolist())
        (folder / f"{split}.csv").write_text(f"label,user,item,weekday\n{lines}\n", encoding="utf-8")
    return folder
