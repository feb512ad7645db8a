"""Compares what finds items that training has not seen: words, images, both, a text-CNN, popularity and chance.

`python -m tests.bench.cold_contents FOLDER` takes 15 % of the items out of training, fits each model on the others, and asks
for the newest fifth of everybody's events: is a cold item that somebody took among the first fifty? The cut, and what the
figures mean, is `services.training.benchmark.cold_items`. How new items fare in the served funnel, `cold_items` beside this
file measures.
"""

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import torch

from services.training.benchmark.cold_items import ColdItemReport, Fit, cold_item_report
from services.training.benchmark.cold_protocol import placing
from services.training.content.bag_of_words import BagOfWordsConfig, fit_bag_of_words
from services.training.datasets import load_dataset
from services.training.metrics import Interval
from services.training.progress import LogLines, Silence
from services.training.recall.model import FitContext, RecallData
from services.training.recall.multimodal.config import MultimodalConfig
from services.training.recall.multimodal.fitting import fit_towers
from services.training.recall.multimodal.placing import ContentRecallModel

MAX_HISTORY = 50
EPOCHS = 4

#: Half the default: images are what takes time.
SAMPLED_IMAGES = 512


def main(arguments: Sequence[str] | None = None) -> None:
    """Fits, measures and prints a table for each seed."""
    given = _parser().parse_args(arguments)
    torch.set_num_threads(given.threads)
    dataset = load_dataset(given.data)
    models = models_to_compare(given.epochs)
    chosen = {name: models[name] for name in given.models or models}
    for seed in given.seeds:
        display = LogLines() if given.verbose else Silence()
        context = FitContext(seed=seed, max_history=MAX_HISTORY, threads=given.threads, display=display)
        print_report(cold_item_report(dataset, chosen, context, share=given.share, most_questions=given.questions))


def models_to_compare(epochs: int = EPOCHS) -> Mapping[str, Fit]:
    """How to fit each model, by its name in the table."""
    tower = MultimodalConfig(epochs=epochs)
    words, images = {"image": False}, {"sampled_items": SAMPLED_IMAGES}
    towers = {
        "text alone": tower.model_copy(update=words),
        "image alone": tower.model_copy(update=images | {"text": False}),
        "text and image": tower.model_copy(update=images),
        "text-CNN": tower.model_copy(update=words | {"text_encoder": "text_cnn"}),
        "text-CNN and image": tower.model_copy(update=images | {"text_encoder": "text_cnn"}),
    }
    return {"bag of words": _fit_bag_of_words, **{name: partial(_fit, config) for name, config in towers.items()}}


def _fit(config: MultimodalConfig, data: RecallData, context: FitContext) -> ContentRecallModel:
    return fit_towers(data, config, context)


def _fit_bag_of_words(data: RecallData, context: FitContext) -> ContentRecallModel:
    """Places items by their words; events teach it nothing."""
    return placing(fit_bag_of_words(data, BagOfWordsConfig(), context))


def print_report(report: ColdItemReport) -> None:
    """Prints a table."""
    lines = [
        f"{report.dataset}, seed {report.seed}: {report.known_items} items to fit, {report.cold_items} cold; "
        f"{report.cold_questions} questions about cold items for {report.cold_people} people, "
        f"{report.known_questions} about known ones; HR@{report.k}",
        f"{'':20}{'cold among all':>26}{'cold among cold':>26}{'known among all':>26}{'places':>8}{'seconds':>9}",
    ]
    lines += [
        f"{row.model:20}{_shown(row.cold)}{_shown(row.cold_alone)}{_shown(row.known)}{row.places:8.3f}{row.seconds:9.0f}"
        for row in report.rows
    ]
    lines += [f"{name:20}left out: {why}" for name, why in report.unsuitable.items()]
    print("\n".join(lines), flush=True)  # noqa: T201 - the result


def _shown(interval: Interval) -> str:
    return f"{interval.mean:.4f} [{interval.low:.4f}, {interval.high:.4f}]".rjust(26)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.cold_contents", description=__doc__)
    parser.add_argument("data", type=Path, help="folder of a data set")
    parser.add_argument("--share", type=float, default=0.15, help="of the items to take out; default: 0.15")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1], help="of the choice and the fits; default: 1")
    parser.add_argument("--models", nargs="+", choices=list(models_to_compare()), help="default: all")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help=f"of each tower; default: {EPOCHS}")
    parser.add_argument("--questions", type=int, default=10_000, help="most of each kind; default: 10000")
    parser.add_argument("--threads", type=int, default=2, help="default: 2")
    parser.add_argument("--verbose", action="store_true", help="show what every epoch gives")
    return parser


if __name__ == "__main__":
    main()
