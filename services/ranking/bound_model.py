"""A model run on buffers of the device that stay where they are, and on CUDA as a captured graph.

Binding saves allocating device memory for every run. A CUDA graph replays all kernels of a run with one launch, which
matters because a ranker is some two hundred small kernels; it reads and writes the addresses that it was captured with,
so each shape has its own buffers and its own graph. See ONNX Runtime's CUDA execution provider, "Using CUDA Graphs".
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import onnxruntime as ort
from numpy.typing import DTypeLike, NDArray

from services.ranking import metrics
from services.ranking.device import Device
from shared.onnx_session import BindingSession, declared_inputs

#: The run option that names a captured graph, and the name under which nothing is captured.
GRAPH_ID = "gpu_graph_id"
NO_GRAPH = "-1"

#: How far a replayed graph may be from a plain run, whose kernels may be others.
_REPLAY_TOLERANCE = 1e-3


class Buffer(Protocol):
    """What is used of `onnxruntime.OrtValue`."""

    def update_inplace(self, np_arr: NDArray[Any]) -> None:
        """Copies an array of the same shape and dtype into it."""
        ...

    def numpy(self) -> NDArray[Any]:
        """Its content."""
        ...


#: Makes a buffer on a device: shape, dtype, device.
Allocate = Callable[[Sequence[int], DTypeLike, Device], Buffer]


class GraphMismatch(Exception):
    """A replayed graph does not give what the model gives."""


@dataclass(frozen=True)
class _Bound:
    inputs: dict[str, Buffer]
    output: Buffer
    binding: Any
    options: Any


def allocate(shape: Sequence[int], dtype: DTypeLike, device: Device) -> Buffer:
    """Returns a buffer of ONNX Runtime's on the device."""
    buffer: Buffer = ort.OrtValue.ortvalue_from_shape_and_type(list(shape), dtype, device, 0)
    return buffer


class BoundModel:
    """A model with one output, run on bound buffers. Safe to call from several threads.

    It must only see a few shapes, because it keeps buffers for each.

    Args:
        session: The open model; to capture graphs, opened with `enable_cuda_graph`.
        output: The name of its output, float32 [rows of `rows_of`, columns].
        inputs: The names of all inputs that it may declare.
        rows_of: The input whose length the output has.
        columns: Width of the output.
        device: Where the buffers are.
        captures: Whether each shape becomes a graph.
        allocate: Makes buffers.

    Raises:
        ValueError: the model declares another input, or lacks the output.
    """

    def __init__(
        self,
        session: BindingSession,
        output: str,
        inputs: Sequence[str],
        *,
        rows_of: str,
        columns: int,
        device: Device,
        captures: bool,
        allocate: Allocate = allocate,
    ) -> None:
        self._inputs = declared_inputs(session, output, inputs)
        self._session = session
        self._output = output
        self._rows_of = rows_of
        self._columns = columns
        self._device: Device = device
        self._captures = captures
        self._allocate = allocate
        self._bound: dict[tuple[tuple[int, ...], ...], _Bound] = {}
        # One thread: a set of buffers serves one run at a time, and the CUDA provider keeps graphs for each thread.
        self._lane = ThreadPoolExecutor(1, "device")

    @property
    def graphs(self) -> int:
        """Shapes that are replayed from a captured graph."""
        return len(self._bound) if self._captures else 0

    def __call__(self, **arrays: NDArray[Any]) -> NDArray[np.float32]:
        """Returns the output for the inputs, of which those that the model lacks are left out."""
        return self._lane.submit(self._run, arrays).result()

    def check_replay(self, **arrays: NDArray[Any]) -> None:
        """Compares what is replayed for these inputs with a run without a graph. Their shape was run before.

        Raises:
            GraphMismatch: they differ: something in the model does not depend on its inputs in a way that can be replayed.
        """
        replayed = self(**arrays)
        plain = self._lane.submit(self._run, arrays, plain=True).result()
        if not np.allclose(replayed, plain, rtol=_REPLAY_TOLERANCE, atol=_REPLAY_TOLERANCE, equal_nan=True):
            raise GraphMismatch(f"a replayed graph is off by {float(np.abs(replayed - plain).max()):.3g}")

    def _run(self, arrays: dict[str, NDArray[Any]], plain: bool = False) -> NDArray[np.float32]:
        feed = {name: array for name, array in arrays.items() if name in self._inputs}
        bound = self._bound_to(feed, len(arrays[self._rows_of]))
        for name, array in feed.items():
            bound.inputs[name].update_inplace(np.ascontiguousarray(array))
        started = time.perf_counter()
        self._session.run_with_iobinding(bound.binding, _options(NO_GRAPH) if plain else bound.options)
        metrics.DEVICE_SECONDS.inc(time.perf_counter() - started)
        # A copy where the buffer itself is seen, which the next run of this shape overwrites.
        return np.array(bound.output.numpy(), dtype=np.float32)

    def _bound_to(self, feed: dict[str, NDArray[Any]], rows: int) -> _Bound:
        """Returns the buffers for these shapes."""
        shapes = tuple(feed[name].shape for name in sorted(feed))
        if shapes not in self._bound:
            binding = self._session.io_binding()
            inputs = {name: self._allocate(array.shape, array.dtype, self._device) for name, array in feed.items()}
            output = self._allocate((rows, self._columns), np.float32, self._device)
            for name, buffer in inputs.items():
                binding.bind_ortvalue_input(name, buffer)
            binding.bind_ortvalue_output(self._output, output)
            options = _options(str(len(self._bound) + 1) if self._captures else NO_GRAPH)
            self._bound[shapes] = _Bound(inputs, output, binding, options)
        return self._bound[shapes]


def _options(graph: str) -> Any:
    options = ort.RunOptions()
    options.add_run_config_entry(GRAPH_ID, graph)
    return options
