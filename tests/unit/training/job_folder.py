"""What somebody who trains has: a folder with a data set and a file of settings."""

from pathlib import Path
from typing import Any

from services.training.datasets import write_dataset
from services.training.runs.toml_text import to_toml
from tests.unit.training.chains import chain_dataset

#: What is fitted and exported in no time: most of a small job is the export of its graphs, and one that begins with recall
#: has an encoder in it.
LIGHT_CHANNELS = {"collaborative": {"model": "ease", "quota": 0.85}, "popularity": {"quota": 0.15}}
LIGHT_RANKER = {"model": "mf", "negatives": 4, "begin_with_recall": False, "settings": {"dimension": 4, "epochs": 1}}


def write_job(folder: Path, **chosen: Any) -> None:
    """Writes the chains to `folder/data`, and to `folder/training.toml` what fits small models to them in seconds.

    Args:
        folder: That is there.
        chosen: As `write_settings` takes them.
    """
    write_dataset(chain_dataset(), folder / "data")
    write_settings(folder / "training.toml", **chosen)


def write_settings(path: Path, ranker: dict[str, Any] | None = None, **chosen: Any) -> None:
    """Writes settings of a job of seconds.

    Args:
        path: To be written.
        ranker: Of that table, instead of or beside what it has.
        chosen: Tables and settings at the top, instead of or beside those it has.
    """
    settings = {"threads": 1, "candidates": 20, "max_history": 4, "channels": LIGHT_CHANNELS}
    path.write_text(to_toml(settings | chosen | {"ranker": LIGHT_RANKER | (ranker or {})}))
