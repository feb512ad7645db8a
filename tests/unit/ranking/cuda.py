"""CUDA as far as it can be played without a GPU: sessions that say they are on it and compute on the CPU."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import DTypeLike

from services.ranking.bound_model import GRAPH_ID, NO_GRAPH, Buffer, allocate
from services.ranking.device import Device
from shared.onnx_session import Provider, open_session


def allocate_on_host(shape: Sequence[int], dtype: DTypeLike, _device: Device) -> Buffer:
    """Makes the buffers of any device in main memory."""
    return allocate(shape, dtype, "cpu")


class CudaBinding:
    """Remembers the shapes of the inputs that are bound.

    Attributes:
        real: ONNX Runtime's binding.
        shapes: By input.
    """

    def __init__(self, real: Any) -> None:
        self.real = real
        self.shapes: dict[str, list[int]] = {}
        self.bind_ortvalue_output = real.bind_ortvalue_output

    def bind_ortvalue_input(self, name: str, buffer: Any) -> None:
        """Binds an input."""
        self.shapes[name] = buffer.shape()
        self.real.bind_ortvalue_input(name, buffer)


class CudaSession:
    """A session that says it runs on CUDA, and captures as ONNX Runtime does: what is bound for a graph id stays bound.

    Attributes:
        shapes: Queries and candidates of all runs.
        widths: Widths of the histories of all runs.
        captured: The binding that each graph was captured with, by its id.
    """

    def __init__(self, model: Path, threads: int, providers: Sequence[Provider], broken: bool) -> None:
        self._session: Any = open_session(model, threads)
        self._options = dict(option for one in providers if not isinstance(one, str) for option in one[1].items())
        self._broken = broken
        self.shapes: set[tuple[int, int]] = set()
        self.widths: set[int] = set()
        self.captured: dict[str, Any] = {}
        self.get_inputs = self._session.get_inputs
        self.get_outputs = self._session.get_outputs
        self.disable_fallback = self._session.disable_fallback

    def io_binding(self) -> "CudaBinding":
        """An empty binding."""
        return CudaBinding(self._session.io_binding())

    def get_providers(self) -> list[str]:
        """As on a machine with a GPU."""
        return ["CUDAExecutionProvider", "CPUExecutionProvider"]

    @property
    def captures(self) -> bool:
        """Whether it was opened to capture graphs."""
        return self._options.get("enable_cuda_graph") == "1"

    def run(self, output_names: Any, input_feed: Any) -> Sequence[Any]:
        """Fails: on CUDA everything is bound."""
        raise AssertionError((output_names, input_feed))

    def run_with_iobinding(self, iobinding: Any, run_options: Any = None) -> None:
        """Computes on the CPU; a graph that was captured is replayed with what was bound then.

        A broken graph does not see that its inputs have changed.
        """
        self.shapes.add((iobinding.shapes["history"][0], iobinding.shapes["candidates"][0]))
        self.widths.add(iobinding.shapes["history"][1])
        graph = run_options.get_run_config_entry(GRAPH_ID)
        assert self.captures or graph == NO_GRAPH
        if graph == NO_GRAPH:
            self._session.run_with_iobinding(iobinding.real)
        elif graph not in self.captured:
            self.captured[graph] = iobinding
            self._session.run_with_iobinding(iobinding.real)
        elif not self._broken:
            self._session.run_with_iobinding(self.captured[graph].real)


class Cuda:
    """Opens sessions as ONNX Runtime does on a machine with a GPU.

    Args:
        refuses_capture: Whether it refuses to capture the model.
        broken: Whether a captured graph computes what it computed when it was captured.

    Attributes:
        opened: All sessions, in the order of opening.
    """

    def __init__(self, *, refuses_capture: bool = False, broken: bool = False) -> None:
        self._refuses_capture = refuses_capture
        self._broken = broken
        self.opened: list[CudaSession] = []

    def __call__(self, model: Path, threads: int, providers: Sequence[Provider]) -> CudaSession:
        """Opens a session.

        Raises:
            RuntimeError: the model is to be captured and cannot.
        """
        session = CudaSession(model, threads, providers, self._broken)
        if session.captures and self._refuses_capture:
            raise RuntimeError("This session cannot use the graph capture feature")
        self.opened.append(session)
        return session
