"""Digests of the settings and the parameters that a fit begins with."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec
import torch
from pydantic import BaseModel
from torch import Tensor

from shared.version import VERSION

_ENCODER = msgspec.json.Encoder(order="deterministic")


def settings_digest(*settings: BaseModel | str | float | None) -> str:
    """Returns the SHA-256, in hexadecimal, of settings and of the versions of Winnow and torch.

    What does the arithmetic, and with how many threads, does not count: a job may be resumed on another machine.
    """
    known = [
        {type(one).__qualname__: one.model_dump(mode="json", exclude={"threads", "device"})}
        if isinstance(one, BaseModel)
        else one
        for one in settings
    ]
    return hashlib.sha256(_ENCODER.encode([*known, VERSION, str(torch.__version__)])).hexdigest()


def tensor_digests(state: Mapping[str, Tensor]) -> dict[str, str]:
    """Returns the SHA-256 of each tensor's type, shape and content."""
    digests = {}
    for name, tensor in state.items():
        digest = hashlib.sha256(f"{tensor.dtype} {tuple(tensor.shape)} ".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
        digests[name] = digest.hexdigest()
    return digests
