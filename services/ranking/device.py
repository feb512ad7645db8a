"""Where the ranker runs: on the GPU when that is really so, never by ONNX Runtime's word alone."""

import contextlib
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import onnxruntime as ort
import structlog

from shared.onnx_session import CPU_PROVIDER, Provider, Session, open_session

DemandedDevice = Literal["auto", "cuda", "cpu"]
Device = Literal["cuda", "cpu"]

CUDA_PROVIDER = "CUDAExecutionProvider"

#: TF32 multiplies with 10 bits of mantissa, and golden scores would not be met.
_CUDA_OPTIONS = {"use_tf32": "0"}

#: How a session is opened: model, threads, providers.
OpenSession = Callable[[Path, int, Sequence[Provider]], Session]

log = structlog.get_logger()


class DeviceAbsent(Exception):
    """The demanded device cannot be used here."""


def providers_of(device: Device) -> tuple[Provider, ...]:
    """Returns the execution providers of a session on a device, the preferred one first."""
    return (CPU_PROVIDER,) if device == "cpu" else ((CUDA_PROVIDER, _CUDA_OPTIONS), CPU_PROVIDER)


def open_on_device(
    model: Path, demanded: DemandedDevice, threads: int, open_session: OpenSession = open_session
) -> tuple[Session, Device]:
    """Opens a model on a device, and says which one it is.

    ONNX Runtime lists CUDA as available where it cannot load, and falls back to the CPU without an exception; what a
    session really got is the only answer to trust.

    Args:
        model: Path of the ONNX file.
        demanded: "auto" takes CUDA where it works, else the CPU.
        threads: Threads of one operator on the CPU.
        open_session: Opens a session.

    Raises:
        DeviceAbsent: "cuda" is demanded and the session did not get it.
    """
    if demanded == "cpu":
        return open_session(model, threads, providers_of("cpu")), "cpu"
    session = open_session(model, threads, providers_of("cuda"))
    if CUDA_PROVIDER in session.get_providers():
        # A GPU that fails later must show as errors, not as a service that has become slow.
        session.disable_fallback()
        return session, "cuda"
    if demanded == "cuda":
        raise DeviceAbsent("RANKING_DEVICE demands cuda, but ONNX Runtime could not load it and fell back to the CPU")
    return session, "cpu"


def open_for_capture(model: Path, threads: int, open_session: OpenSession = open_session) -> Session | None:
    """Opens a model on CUDA so that its runs can be captured as CUDA graphs, or returns None where that cannot be.

    ONNX Runtime refuses a model with control flow, and one of which something besides shapes is computed on the CPU.

    Args:
        model: Path of the ONNX file.
        threads: Threads of one operator on the CPU.
        open_session: Opens a session.
    """
    options = {**_CUDA_OPTIONS, "enable_cuda_graph": "1"}
    try:
        session = open_session(model, threads, ((CUDA_PROVIDER, options), CPU_PROVIDER))
    except Exception as error:  # ONNX Runtime's own errors have no class in common but this one
        log.warning("the ranker cannot be captured as CUDA graphs; it runs without", problem=str(error))
        return None
    if CUDA_PROVIDER not in session.get_providers():
        return None
    session.disable_fallback()
    return session


def load_cuda_libraries() -> None:
    """Loads CUDA and cuDNN from their Python packages, where they are installed, before the first session."""
    complaints = io.StringIO()
    # It prints what it does not find, and stdout holds nothing but log lines.
    with contextlib.redirect_stdout(complaints):
        ort.preload_dlls()
    if complaints.getvalue():
        log.info("not all CUDA libraries were found", problem=complaints.getvalue())
