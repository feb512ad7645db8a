"""A search for the settings that validate best, in a folder that it can go on from."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from services.training.recall.model import Unsuitable
from services.training.tuning.space import Range

#: The study, in its folder.
STUDY_FILE = "study.db"

#: Fits with settings; returns NDCG@10 on validation.
Objective = Callable[[Mapping[str, Any]], float]


class SearchMissing(RuntimeError):
    """The package that searches is not installed."""


@dataclass(frozen=True, slots=True)
class Found:
    """The best settings of a study.

    Attributes:
        settings: Those that were searched, by name.
        ndcg: NDCG@10 on validation with them.
        trials: How many trials came to an end.
    """

    settings: dict[str, Any]
    ndcg: float
    trials: int


def search(
    folder: Path,
    space: Mapping[str, tuple[Range, bool]],
    objective: Objective,
    *,
    name: str,
    trials: int,
    seed: int,
    first: Mapping[str, Any],
    told: Callable[[int, Mapping[str, Any], float], None],
) -> Found | None:
    """Tries settings until as many trials as wanted have come to an end, those of before included.

    The tree-structured Parzen estimator chooses them (Bergstra et al., NIPS 2011). A trial during which the process was killed
    is tried again.

    Args:
        folder: Exists; has the study.
        space: For each setting its range, and whether it takes whole numbers alone.
        objective: What is to be made large.
        name: Of the study; another model, space or data set is another study in the same file.
        trials: How many are to come to an end.
        seed: Of the choices.
        first: What is tried before anything is chosen, where it is in the space: the defaults, so that the best is never
            worse.
        told: Called after each trial with its number, settings and value.

    Returns:
        The best; None where no trial could be fitted.

    Raises:
        SearchMissing: Optuna is not installed.
    """
    optuna = _optuna()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = optuna.storages.RDBStorage(f"sqlite:///{(folder / STUDY_FILE).resolve()}")
    study = optuna.create_study(storage=storage, study_name=name, direction="maximize", load_if_exists=True)
    states = optuna.trial.TrialState
    if not study.trials:
        study.enqueue_trial({setting: first[setting] for setting, (one, _) in space.items() if one.has(first[setting])})
    for killed in study.get_trials(states=(states.RUNNING,)):
        study.tell(killed.number, state=states.FAIL)
        study.enqueue_trial(killed.params)
    while True:
        # A study that is gone on with must not choose again what it began with.
        study.sampler = optuna.samplers.TPESampler(seed=seed + len(study.trials), n_startup_trials=5)
        ended = study.get_trials(states=(states.COMPLETE, states.PRUNED))
        if len(ended) >= trials:
            break
        trial = study.ask()
        settings = {setting: _suggest(trial, setting, *one) for setting, one in space.items()}
        try:
            value = objective(settings)
        except (ValidationError, Unsuitable):
            # Settings that do not go together, such as heads that do not divide the dimension, are no result.
            study.tell(trial, state=states.PRUNED)
            continue
        study.tell(trial, value)
        told(trial.number, settings, value)
    with contextlib.suppress(ValueError):  # raised where no trial was complete
        return Found(dict(study.best_params), float(study.best_value), len(ended))
    return None


def _suggest(trial: Any, name: str, one: Range, whole: bool) -> Any:
    if one.choices:
        return trial.suggest_categorical(name, list(one.choices))
    if whole:
        return trial.suggest_int(name, int(one.low or 0), int(one.high or 0), log=one.log)
    return trial.suggest_float(name, one.low, one.high, log=one.log)


def _optuna() -> Any:
    try:
        import optuna  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise SearchMissing("`winnow tune` needs Optuna: pip install 'winnow[search]'") from error
    return optuna
