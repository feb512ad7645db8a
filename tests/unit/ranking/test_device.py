"""Choosing the device."""

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import pytest
from structlog.testing import capture_logs

from services.ranking.device import DemandedDevice, DeviceAbsent, load_cuda_libraries, open_on_device
from shared.onnx_session import Provider
from tests.unit.shared.fake_session import FakeSession

MODEL = Path("model.onnx")
CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"


class FakeRuntime:
    """Opens sessions as ONNX Runtime does: what it cannot load it silently leaves out."""

    def __init__(self, *loadable: str) -> None:
        self._loadable = loadable
        self.asked: list[list[str]] = []
        self.options: dict[str, str] = {}

    def __call__(self, model: Path, threads: int, providers: Sequence[Provider]) -> FakeSession:
        """Opens a session with those providers that can be loaded."""
        assert (model, threads) == (MODEL, 3)
        names = [provider if isinstance(provider, str) else provider[0] for provider in providers]
        self.options = dict(option for one in providers if not isinstance(one, str) for option in one[1].items())
        self.asked.append(names)
        return FakeSession(providers=[name for name in names if name in self._loadable])


@pytest.mark.parametrize("demanded", ["auto", "cuda"])
def test_cuda_is_used_where_the_session_got_it(demanded: DemandedDevice) -> None:
    """In full precision, so that golden scores hold, and without falling back later."""
    runtime = FakeRuntime(CUDA, CPU)
    session, device = open_on_device(MODEL, demanded, 3, runtime)
    assert device == "cuda"
    assert runtime.options == {"use_tf32": "0"}
    assert isinstance(session, FakeSession)
    assert not session.may_fall_back


def test_auto_takes_the_cpu_where_cuda_was_silently_left_out() -> None:
    """What the session got counts, not what was asked for."""
    runtime = FakeRuntime(CPU)
    _, device = open_on_device(MODEL, "auto", 3, runtime)
    assert device == "cpu"
    assert runtime.asked == [[CUDA, CPU]]


def test_a_demanded_gpu_that_is_absent_is_an_error() -> None:
    """Serving a hundred times slower than expected would look like health."""
    with pytest.raises(DeviceAbsent, match="RANKING_DEVICE demands cuda"):
        open_on_device(MODEL, "cuda", 3, FakeRuntime(CPU))


def test_cpu_does_not_even_try_the_gpu() -> None:
    """It may belong to somebody else."""
    runtime = FakeRuntime(CUDA, CPU)
    _, device = open_on_device(MODEL, "cpu", 3, runtime)
    assert device == "cpu"
    assert runtime.asked == [[CPU]]


def test_looking_for_cuda_libraries_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    """Stdout holds log lines alone, whether the libraries are found or not."""
    with capture_logs():
        load_cuda_libraries()
    assert capfd.readouterr().out == ""


def test_the_setting_takes_the_devices_of_the_documentation() -> None:
    """auto, cuda and cpu."""
    assert get_args(DemandedDevice) == ("auto", "cuda", "cpu")
