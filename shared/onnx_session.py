"""ONNX Runtime sessions: threads from the CPU quota, and a model as a function from named arrays to one array."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

CPU_PROVIDER = "CPUExecutionProvider"

#: A provider's name, alone or with its options.
Provider = str | tuple[str, dict[str, str]]

# Errors alone: a warning for every initializer that a graph does not use tells an operator nothing.
_LOG_ERRORS = 3


class Session(Protocol):
    """What is used of `onnxruntime.InferenceSession`."""

    def run(self, output_names: Sequence[str] | None, input_feed: Mapping[str, NDArray[Any]]) -> Sequence[Any]:
        """Computes the outputs. Releases the GIL."""
        ...

    def get_providers(self) -> list[str]:
        """The providers that the session really got, the preferred one first."""
        ...

    def get_inputs(self) -> Sequence[Any]:
        """The declared inputs, each with a `name`."""
        ...

    def get_outputs(self) -> Sequence[Any]:
        """The declared outputs, each with a `name`."""
        ...

    def disable_fallback(self) -> None:
        """Lets a run that fails on its provider fail, instead of moving the session to the CPU."""
        ...


class BindingSession(Session, Protocol):
    """What is used of a session besides what `OnnxModel` needs."""

    def io_binding(self) -> Any:
        """An empty `onnxruntime.IOBinding`."""
        ...

    def run_with_iobinding(self, iobinding: Any, run_options: Any = None) -> None:
        """Computes on what is bound, and returns when the device is done."""
        ...


def open_session(
    model: Path | bytes,
    threads: int,
    providers: Sequence[Provider] = (CPU_PROVIDER,),
    *,
    arrays: Mapping[str, NDArray[Any]] | None = None,
) -> BindingSession:
    """Opens a model. Takes long and holds the GIL: not for the event loop's thread of a service that answers.

    Args:
        model: Path of the ONNX file, or its content.
        threads: Threads of one operator. ONNX Runtime would take the host's cores, not the container's, and let
            idle threads spin on them.
        providers: In order of preference.
        arrays: Constants that the model names as external data, by name.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _LOG_ERRORS
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if arrays:
        values = [ort.OrtValue.ortvalue_from_numpy(array) for array in arrays.values()]
        options.add_external_initializers(list(arrays), values)
    session: BindingSession = ort.InferenceSession(
        model if isinstance(model, bytes) else str(model), options, providers=list(providers)
    )
    return session


def declared_inputs(session: Session, output: str, inputs: Sequence[str]) -> set[str]:
    """Returns the names of the inputs that a model declares.

    Args:
        session: The open model.
        output: The output that it must have.
        inputs: The names of all inputs that it may declare.

    Raises:
        ValueError: the model declares another input, or lacks the output.
    """
    declared = {one.name for one in session.get_inputs()}
    if unknown := declared - set(inputs):
        raise ValueError(f"it wants the unknown input {', '.join(sorted(unknown))}")
    if output not in {one.name for one in session.get_outputs()}:
        raise ValueError(f"it has no output {output}")
    return declared


class OnnxModel:
    """A model with one output of interest. Safe to call from several threads.

    Args:
        session: The open model.
        output: The name of its output.
        inputs: The names of all inputs that it may declare; one that it does not need it may lack.

    Raises:
        ValueError: the model declares another input, or lacks the output.
    """

    def __init__(self, session: Session, output: str, inputs: Sequence[str]) -> None:
        self._session = session
        self._inputs = declared_inputs(session, output, inputs)
        self._output = output

    def __call__(self, **arrays: NDArray[Any]) -> NDArray[np.float32]:
        """Returns the output for the inputs, of which those that the model lacks are left out."""
        feed = {name: array for name, array in arrays.items() if name in self._inputs}
        return np.asarray(self._session.run([self._output], feed)[0], dtype=np.float32)
