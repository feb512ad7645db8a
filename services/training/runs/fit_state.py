"""Where a fit is, on disk after every epoch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from pydantic import BaseModel
from torch import Tensor, nn

from services.training.optimisation import Descent, EarlyStopping, Epoch
from services.training.runs.checkpoints import read_checkpoint, write_checkpoint
from services.training.runs.digests import settings_digest, tensor_digests
from services.training.runs.run import Run


@dataclass(frozen=True, slots=True, eq=False)
class FitState:
    """Everything that an epoch begins with: the model, the descent, the best epoch so far and the random generators.

    A fit that goes on from it ends with the parameters, bit for bit, of one that was never interrupted, on the same machine
    and with as many threads.

    Attributes:
        model: Being fitted.
        descent: Its optimiser and schedule.
        stopping: What the epochs gave.
        path: Of the checkpoint.
        initial: The digest of each tensor of the model before the first epoch.
        fingerprint: Of the settings, the data and `initial`.
        computed_on: Device, precision and processes, for people; they are not part of the fingerprint.
    """

    model: nn.Module
    descent: Descent
    stopping: EarlyStopping
    path: Path
    initial: dict[str, str]
    fingerprint: str
    computed_on: str = ""

    @classmethod
    def begin(
        cls,
        run: Run,
        stage: str,
        settings: tuple[BaseModel | str | float, ...],
        state: tuple[nn.Module, Descent, EarlyStopping],
        computed_on: str = "",
    ) -> Self:
        """Begins a fit where its checkpoint says, or anew.

        Args:
            run: Has the checkpoint.
            stage: Name of the stage.
            settings: Whatever decides the result beside the data and the model as it is.
            state: The model before its first epoch, and what fits it; all three are changed in place.
            computed_on: See the class.
        """
        model, descent, stopping = state
        initial = tensor_digests(model.state_dict())
        fingerprint = settings_digest(stage, run.digest, *settings, *(f"{k} {v}" for k, v in sorted(initial.items())))
        one = cls(model, descent, stopping, run.checkpoint(stage, fingerprint), initial, fingerprint, computed_on)
        one._resume(run, stage)
        return one

    def save(self) -> None:
        """Writes the checkpoint.

        Raises:
            OSError: it cannot be written.
        """
        write_checkpoint(
            self.path,
            {
                "fingerprint": self.fingerprint,
                "model": self._changed(self.model.state_dict()),
                "best parameters": self._changed(self.stopping.parameters),
                "best": self.stopping.best,
                "epochs": [[epoch.loss, epoch.ndcg] for epoch in self.stopping.epochs],
                "descent": self.descent.state_dict(),
                "random": _random_state(),
                "threads": torch.get_num_threads(),
                "computed on": self.computed_on,
            },
        )

    def _resume(self, run: Run, stage: str) -> None:
        state = read_checkpoint(self.path)
        if state is None or state["fingerprint"] != self.fingerprint:
            if run.others(stage, self.fingerprint):
                run.say(f"{stage}: begins anew, for the settings or the data are not those of the checkpoint")
            return
        best = {**self.model.state_dict(), **state["best parameters"]}
        self.stopping.parameters = {name: tensor.clone() for name, tensor in best.items()}
        self.stopping.best = state["best"]
        self.stopping.epochs = [Epoch(*values) for values in state["epochs"]]
        self.model.load_state_dict(state["model"], strict=False)
        self.descent.load_state_dict(state["descent"])
        _restore_random_state(state["random"])
        run.say(f"{stage}: resumes after epoch {len(self.stopping.epochs)}")
        if state["computed on"] != self.computed_on:
            run.say(
                f"{stage}: the checkpoint was written on {state['computed on']}, and this is {self.computed_on}; "
                f"the result is not that of either alone"
            )
        if state["threads"] != torch.get_num_threads():
            run.say(
                f"{stage}: the checkpoint was written with {state['threads']} threads, not {torch.get_num_threads()}; "
                f"the last bits of the result may differ"
            )

    def _changed(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        # What is frozen can be most of a model: a ranker has the recall models' item vectors in it.
        digests = tensor_digests(state)
        return {name: tensor for name, tensor in state.items() if digests[name] != self.initial[name]}


def _random_state() -> dict[str, Any]:
    state = np.random.get_state(legacy=False)
    assert isinstance(state, dict)  # noqa: S101 - for the type alone
    inner = {"key": torch.as_tensor(state["state"]["key"].astype(np.int64)), "pos": int(state["state"]["pos"])}
    return {
        "torch": torch.get_rng_state(),
        "numpy": {**inner, "has_gauss": int(state["has_gauss"]), "gauss": float(state["gauss"])},
    }


def _restore_random_state(state: dict[str, Any]) -> None:
    torch.set_rng_state(state["torch"])
    numpy = state["numpy"]
    key = numpy["key"].numpy().astype(np.uint32)
    np.random.set_state(("MT19937", key, numpy["pos"], numpy["has_gauss"], numpy["gauss"]))
