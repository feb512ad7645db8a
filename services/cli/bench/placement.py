"""Where the operators of a model really run, by ONNX Runtime's own account of a run."""

import json
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import onnxruntime as ort
from numpy.typing import NDArray

from shared.onnx_session import Provider


def operators_by_provider(
    model: Path, providers: Sequence[Provider], inputs: Mapping[str, NDArray[Any]]
) -> dict[str, int]:
    """Returns how many operators each execution provider ran.

    Args:
        model: Path of the ONNX file.
        providers: In order of preference.
        inputs: Of a run; those that the model lacks are left out.
    """
    with tempfile.TemporaryDirectory() as folder:
        options = ort.SessionOptions()
        options.log_severity_level = 3
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder) / "run")
        session = ort.InferenceSession(str(model), options, providers=list(providers))
        declared = {one.name for one in session.get_inputs()}
        session.run(None, {name: array for name, array in inputs.items() if name in declared})
        events = json.loads(Path(session.end_profiling()).read_text())
    # An operator leaves several events; its kernel's time is one of them.
    kernels = {event["name"]: event["args"]["provider"] for event in events if _is_kernel(event)}
    return dict(Counter(kernels.values()))


def _is_kernel(event: Mapping[str, Any]) -> bool:
    return event.get("cat") == "Node" and str(event["name"]).endswith("_kernel_time")
