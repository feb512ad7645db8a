"""How well the ranking models predict clicks on Frappe: `python -m tests.bench.frappe --data FOLDER`.

The folder has train.csv, valid.csv and test.csv. What is printed is the area under the ROC curve.
"""

import argparse
from pathlib import Path

import torch

from services.training.ctr.figures import FRAPPE_SETTINGS, click_figures
from services.training.ctr.frappe import read_frappe
from services.training.progress import Silence
from services.training.ranking.registry import RANKERS
from services.training.recall.model import FitContext


def main() -> None:
    """Fits the models that were asked for, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data set")
    parser.add_argument("--models", nargs="+", choices=list(FRAPPE_SETTINGS), default=list(FRAPPE_SETTINGS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    frappe = read_frappe(asked.data)
    context = FitContext(seed=asked.seed, max_history=1, threads=asked.threads, display=Silence())
    for name in asked.models:
        family = RANKERS[name]
        found = click_figures(frappe, family, family.config(**FRAPPE_SETTINGS[name]), context)
        shown = (
            f"validation {found.validation:.4f}, test {found.test:.4f}, {found.epochs} epochs, {found.seconds:.0f} s"
        )
        print(f"{name}: {shown}", flush=True)  # noqa: T201 - it is a command


if __name__ == "__main__":
    main()
