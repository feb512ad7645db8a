"""One beginning, and one end, for all processes that fit a model together."""

from __future__ import annotations

from torch import nn

from services.training.optimisation import Descent, EarlyStopping
from services.training.parallel.ranks import Ranks


class FitsDiffer(RuntimeError):
    """The processes of a job are about to fit different things."""


def begin_alike(
    model: nn.Module, descent: Descent, stopping: EarlyStopping, *, fit: tuple[object, ...], ranks: Ranks
) -> None:
    """Gives all processes the first one's model, and the epochs that it has behind it.

    Args:
        model: Before its next epoch, on the CPU; changed in place, as the two below.
        descent: Of the model.
        stopping: Of the model; what the best epoch left stays the first process's affair.
        fit: Name, settings and steps.
        ranks: The processes.

    Raises:
        FitsDiffer: this process has another fit before it than the first one: other code, settings or data.
        PeerLost: another process has ended.
    """
    if ranks.size == 1:
        return
    first, state, descended, epochs, best = ranks.from_first(
        lambda: (fit, model.state_dict(), descent.state_dict(), stopping.epochs, stopping.best)
    )
    if first != fit:
        raise FitsDiffer(
            f"process {ranks.number} begins {fit}, and the first one {first}: all need the same code, settings and data"
        )
    if ranks.number:
        model.load_state_dict(state)
        descent.load_state_dict(descended)
        stopping.epochs, stopping.best = list(epochs), best


def end_alike(model: nn.Module, stopping: EarlyStopping, ranks: Ranks) -> None:
    """Gives the model of every process the parameters of the best epoch, and puts it in evaluation mode.

    Raises:
        PeerLost: another process has ended.
    """
    if ranks.number == 0:
        stopping.restore(model)
    if ranks.size > 1:
        model.load_state_dict(ranks.from_first(model.state_dict))
        model.eval()
