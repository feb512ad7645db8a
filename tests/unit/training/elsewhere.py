"""A pretended device: its memory is the processor's, but like a GPU it computes with nothing that is not its own.

`python -m tests.unit.training.elsewhere RESULT` does small fits on it and on the CPU, and writes into RESULT, as JSON, what the epochs
gave, or why a fit could not be done. It registers a backend with torch, for good: a process of its own is the place for that.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor
from torch.utils import backend_registration
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from services.training.placement import Placement
from services.training.progress import Silence
from services.training.recall.model import FitContext
from tests.unit.training.parallel.fits import ELSEWHERE, MAX_HISTORY, fit

NAME = "elsewhere"
#: Each operation there takes many times as long as itself, and a few batches have as many kinds of them as many.
BATCH = 100
#: What a GPU takes indices, or copies, from the processor for.
MAY_MIX = {
    "aten::index",
    "aten::index_put",
    "aten::index_put_",
    "aten::_index_put_impl_",
    "aten::copy_",
    "aten::_to_copy",
}


class Backend(backend_registration._DummyBackendModule):
    """What torch asks about the device."""

    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        """Types of automatic mixed precision, which is only ever switched off here."""
        return [torch.bfloat16]


class Mixed(RuntimeError):
    """Tensors of two devices met in one operation."""


class There(Tensor):
    """A tensor of the pretended device, around one of the processor's."""

    held: Tensor

    @staticmethod
    def __new__(cls, inner: Tensor) -> Self:
        """Returns a tensor that says of itself that it is there."""
        strided = inner.layout == torch.strided
        one: Self = Tensor._make_wrapper_subclass(
            cls,
            inner.size(),
            strides=inner.stride() if strided else torch.empty(inner.size()).stride(),
            storage_offset=inner.storage_offset() if strided else 0,
            dtype=inner.dtype,
            device=torch.device(NAME, 0),
        )
        one.held = inner
        return one

    def __init__(self, inner: Tensor) -> None:
        """Has nothing left to do."""

    def __repr__(self) -> str:  # type: ignore[override]
        """Without its content, which would have to be brought here."""
        return f"There({tuple(self.shape)})"

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, operation: Any, types: Any, arguments: tuple[Any, ...] = (), named: dict[str, Any] | None = None
    ) -> Any:
        """Computes with tensors of which one at least is there."""
        return _compute(operation, arguments, named or {})


class Factories(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Makes new tensors there where that is asked for."""

    def __torch_dispatch__(
        self, operation: Any, types: Any, arguments: tuple[Any, ...] = (), named: dict[str, Any] | None = None
    ) -> Any:
        """Looks for the device among the arguments."""
        return (
            _compute(operation, arguments, named or {})
            if _is_there(named or {})
            else operation(*arguments, **named or {})
        )


def _compute(operation: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
    schema, tensors = operation._schema, [one for one in tree_leaves((arguments, named)) if isinstance(one, Tensor)]
    there = {id(one.held): one for one in tensors if isinstance(one, There)}
    if there and schema.name not in MAY_MIX and any(one.dim() and not isinstance(one, There) for one in tensors):
        raise Mixed(f"{schema.name}: tensors of two devices")
    inner = [tree_map(_inner, part) for part in (arguments, named)]
    if _is_there(named):
        inner[1]["device"] = torch.device("cpu")
    if schema.name == "aten::_to_copy":
        inner[1].pop("layout", None)  # a sparse tensor that is there says of itself that it is none
    result = operation(*inner[0], **inner[1])
    written = [
        arguments[place] if place < len(arguments) else named[argument.name]
        for place, argument in enumerate(schema.arguments)
        if argument.alias_info is not None and argument.alias_info.is_write
    ]
    if written:
        return written[0] if len(schema.returns) == 1 else tuple(written) if schema.returns else None
    if not _is_there(named) and (not there or named.get("device") is not None):
        return result
    return tree_map(lambda one: there.get(id(one), There(one)) if isinstance(one, Tensor) else one, result)


def _inner(one: Any) -> Any:
    return one.held if isinstance(one, There) else one


def _is_there(named: dict[str, Any]) -> bool:
    return named.get("device") is not None and torch.device(named["device"]).type == NAME


def _told(attempt: Callable[[], Any]) -> Any:
    """What the epochs gave, or why there are none."""
    try:
        return [[epoch.loss, epoch.ndcg] for epoch in attempt().epochs]
    except RuntimeError as error:
        return str(error)


def _fit_there(name: str) -> Any:
    context = FitContext(0, MAX_HISTORY, 1, Silence(), placement=Placement(device=torch.device(NAME, 0)))
    # torch moves parameters of unlike kinds only so; on a real device they are of one kind.
    torch.__future__.set_swap_module_params_on_conversion(True)
    try:
        with Factories():  # type: ignore[no-untyped-call]
            return fit(name, context, BATCH)
    finally:
        torch.__future__.set_swap_module_params_on_conversion(False)


def main(result: str) -> None:
    """Fits and writes."""
    torch.set_num_threads(1)
    backend_registration._setup_privateuseone_for_python_backend(NAME, Backend())
    here = FitContext(0, MAX_HISTORY, 1, Silence())
    told = {name: [_told(lambda: fit(name, here, BATCH)), _told(lambda: _fit_there(name))] for name in ELSEWHERE}  # noqa: B023
    told["mixed"] = [_told(_mixing), ""]
    Path(result).write_text(json.dumps(told))


def _mixing() -> Any:
    with Factories():  # type: ignore[no-untyped-call]
        return torch.ones(2, device=torch.device(NAME, 0)) + torch.ones(2)


if __name__ == "__main__":
    main(*sys.argv[1:])
