"""A session that computes nothing: it declares what it is told to and remembers what it was fed."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray


class FakeSession:
    """Stands for an ONNX Runtime session.

    Args:
        inputs: The names that the model declares.
        outputs: The names that the model gives.
        providers: What the session really got.
        result: What every run returns.
    """

    def __init__(
        self,
        inputs: Sequence[str] = (),
        outputs: Sequence[str] = (),
        providers: Sequence[str] = ("CPUExecutionProvider",),
        result: NDArray[Any] | None = None,
    ) -> None:
        self._inputs = inputs
        self._outputs = outputs
        self._providers = providers
        self._result = result
        self.fed: list[Mapping[str, NDArray[Any]]] = []
        self.may_fall_back = True

    def run(self, output_names: Sequence[str] | None, input_feed: Mapping[str, NDArray[Any]]) -> Sequence[Any]:
        """Remembers the inputs and returns the result."""
        assert output_names is not None
        self.fed.append(input_feed)
        return [np.zeros(0) if self._result is None else self._result]

    def get_providers(self) -> list[str]:
        """What the session really got."""
        return list(self._providers)

    def get_inputs(self) -> Sequence[Any]:
        """The declared inputs."""
        return [SimpleNamespace(name=name) for name in self._inputs]

    def get_outputs(self) -> Sequence[Any]:
        """The declared outputs."""
        return [SimpleNamespace(name=name) for name in self._outputs]

    def disable_fallback(self) -> None:
        """Remembers that it must not fall back."""
        self.may_fall_back = False
