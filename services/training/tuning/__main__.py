"""`python -m services.training.tuning`: search for the settings of a model that validate best."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from services.training.config import TrainingConfig
from services.training.datasets import load_dataset
from services.training.flags import UNUSABLE, console_for, within
from services.training.generator import generate
from services.training.model_settings import Family
from services.training.progress import display_for
from services.training.ranking.registry import RANKERS
from services.training.recall.model import Unsuitable
from services.training.recall.registry import RECALL_MODELS
from services.training.runs.data_digest import data_digest
from services.training.runs.digests import settings_digest
from services.training.runs.record import Origin, record_text
from services.training.runs.run import open_run
from services.training.tuning.objective import ValidationNdcg, ranker_measure, recall_measure
from services.training.tuning.space import SpaceRefused, default_space, read_space
from services.training.tuning.study import Found, SearchMissing, search
from shared.durable_files import replace_file
from shared.quota import cpu_quota

#: The best settings, in the study's folder: a configuration for `winnow train`.
BEST_FILE = "best.toml"


def main(arguments: list[str] | None = None) -> int:
    """Runs the search that the flags ask for.

    Args:
        arguments: The flags; those of the process when None.

    Returns:
        The exit status: 0, or 2 when the data or what is searched cannot be used, which stderr then explains.
    """
    given = sys.argv[1:] if arguments is None else arguments
    flags = _parser().parse_args(given)
    console = console_for(quiet=flags.quiet)
    try:
        found = _tune(flags, given, console)
    except (*UNUSABLE, SpaceRefused, SearchMissing, Unsuitable) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    _show(found, flags, console)
    return 0


def _tune(flags: argparse.Namespace, given: list[str], console: Console) -> Found:
    config = TrainingConfig.from_toml(flags.config) if flags.config else TrainingConfig()
    config = config.model_copy(update={"seed": flags.seed, "threads": flags.threads or config.threads or cpu_quota()})
    torch.set_num_threads(config.threads)
    family = _family(flags)
    space, fixed = read_space(flags.space, family.config) if flags.space else (default_space(family.config), {})
    if not space:
        raise SpaceRefused(f"{family.name} has no setting that is searched by itself; name some with --space")
    dataset = load_dataset(flags.data) if flags.data else generate().dataset
    digest = data_digest(dataset)
    folder, display = _folder(flags), display_for(console, flags.quiet)
    whole = {name: (one, family.config.model_fields[name].annotation is int) for name, one in space.items()}
    searched = [f"{name} {one.model_dump_json()}" for name, one in sorted(space.items())]
    study = settings_digest(config, digest, str(sorted(fixed.items())), *searched)[:12]

    def tell(number: int, settings: Mapping[str, Any], value: float) -> None:
        words = ", ".join(f"{name} {_word(chosen)}" for name, chosen in settings.items())
        console.print(f"trial {number}: NDCG@10 {value:.4f} with {words}", soft_wrap=True)

    with open_run(folder, digest, say=console.print) as run:
        if flags.ranker:
            measure = ranker_measure(RANKERS[flags.ranker], dataset, config, display, run)
        else:
            measure = recall_measure(RECALL_MODELS[flags.recall], dataset, config)
        objective = ValidationNdcg(
            family, measure, fixed, config, folder / "trials", digest, display, console.print
        )  # fmt: skip
        found = search(
            folder, whole, objective, name=f"{family.name}-{study}", trials=flags.trials, seed=config.seed,
            first=family.config(**fixed).model_dump(), told=tell,
        )  # fmt: skip
        if found is None:
            raise Unsuitable(f"{family.name} could be fitted with none of the settings that were tried")
        sources = {"data": str(flags.data.resolve())} if flags.data else {}
        origin = Origin(shlex.join(["winnow", "tune", *given]), sources, digest)
        chosen = {**fixed, **found.settings}
        with_best = config.with_ranker if flags.ranker else config.with_model
        best = with_best(family.name, chosen)
        replace_file(folder / BEST_FILE, record_text(best.effective(), origin, dataset.name).encode())
    return found


def _family(flags: argparse.Namespace) -> Family:
    return RANKERS[flags.ranker] if flags.ranker else RECALL_MODELS[flags.recall]


def _folder(flags: argparse.Namespace) -> Path:
    return flags.run or Path("var/tuning") / (f"ranker-{flags.ranker}" if flags.ranker else flags.recall)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m services.training.tuning",
        description="Search for the settings of a model with the best NDCG@10 on validation.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--data", type=Path, help="folder with a data set; without it one is generated")
    model = parser.add_mutually_exclusive_group(required=True)
    model.add_argument("--recall", choices=sorted(RECALL_MODELS), help="the recall model")
    model.add_argument("--ranker", choices=sorted(RANKERS), help="the ranking model; recall is fitted once before")
    parser.add_argument("--trials", type=within(int, 1), default=20, help="how many, those of before included")
    parser.add_argument("--space", type=Path, help="TOML file of what is searched; by default what the model declares")
    parser.add_argument("--config", type=Path, help="TOML file with the rest of the training configuration")
    parser.add_argument("--run", type=Path, help="folder of the study and of best.toml; one in var/tuning by default")
    parser.add_argument("--seed", type=int, default=0, help="of the search and of every fit")
    parser.add_argument("--threads", type=int, default=0, help="threads for the arithmetic; 0 takes the CPU quota")
    parser.add_argument("--quiet", action="store_true", help="show nothing but errors")
    return parser


def _show(found: Found, flags: argparse.Namespace, console: Console) -> None:
    table = Table(
        title=f"{_family(flags).name}: the best of {found.trials} trials, NDCG@10 {found.ndcg:.4f} on validation"
    )
    table.add_column("setting")
    table.add_column("value", justify="right")
    for name, value in found.settings.items():
        table.add_row(name, _word(value))
    console.print(table)
    console.print(f"winnow train --config {_folder(flags) / BEST_FILE} trains with them", soft_wrap=True)


def _word(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main())
