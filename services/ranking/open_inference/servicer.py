"""The protocol's contract: its messages to scoring and back; everything else is elsewhere."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Any

from services.ranking.batch import ScoringBatch
from services.ranking.merging import Scorer
from services.ranking.open_inference import messages, signature
from services.ranking.open_inference.inputs import scoring_batch
from services.ranking.open_inference.signature import TensorSignature
from services.ranking.open_inference.tensors import check_parameters, decode_inputs, fill_typed, raw_elements
from services.ranking.scoring import Scores
from services.ranking.snapshot import RankingSnapshot
from shared.errors import InvalidArgument, NotFound, SnapshotNotHeld
from shared.snapshot.follower import SnapshotFollower
from shared.version import VERSION

SERVER = "winnow-ranking"
EXTENSIONS = ("model_configuration",)

#: Raw requests up to this size, some 1,800 candidates of 32 features, are decoded where they arrive: that takes less
#: than a tenth of a millisecond, and to a thread and back twice as long.
AT_ONCE_BYTES = 256 * 1024


class OpenInferenceServicer:
    """Answers for the snapshots that are held, each of which is a version of the one model.

    Args:
        follower: The snapshots.
        is_ready: Whether the server is reported ready.
        score: Scores a batch.
        pool: Where large and typed requests are decoded, and typed answers encoded: longer than the event loop may wait.
    """

    def __init__(
        self,
        follower: SnapshotFollower[RankingSnapshot],
        is_ready: Callable[[], bool],
        score: Scorer,
        pool: Executor,
    ) -> None:
        self._follower = follower
        self._is_ready = is_ready
        self._score = score
        self._pool = pool

    async def ServerLive(self, _request: Any, _context: Any) -> Any:
        """Says that the process is alive."""
        return messages.ServerLiveResponse(live=True)

    async def ServerReady(self, _request: Any, _context: Any) -> Any:
        """Says whether requests may be sent here."""
        return messages.ServerReadyResponse(ready=self._is_ready())

    async def ModelReady(self, request: Any, _context: Any) -> Any:
        """Says whether a version of the model can be asked."""
        _check_model(request.name, "name")
        held = not request.version or request.version in self._follower.ids
        return messages.ModelReadyResponse(ready=held and self._is_ready())

    async def ServerMetadata(self, _request: Any, _context: Any) -> Any:
        """Names the server."""
        return messages.ServerMetadataResponse(name=SERVER, version=VERSION, extensions=EXTENSIONS)

    async def ModelMetadata(self, request: Any, _context: Any) -> Any:
        """Describes the tensors of a version of the model."""
        _check_model(request.name, "name")
        _, snapshot = self._version(request.version, "version")
        return messages.ModelMetadataResponse(
            name=signature.MODEL,
            versions=self._follower.ids,
            platform=signature.PLATFORM,
            inputs=[_metadata(one) for one in signature.inputs_of(snapshot).values()],
            outputs=[_metadata(signature.output_of(snapshot))],
        )

    async def ModelConfig(self, request: Any, _context: Any) -> Any:
        """Describes the same in Triton's terms."""
        _check_model(request.name, "name")
        _, snapshot = self._version(request.version, "version")
        config = {
            "name": signature.MODEL,
            "platform": signature.PLATFORM,
            "backend": signature.BACKEND,
            "input": [_config(one) | {"optional": one.optional} for one in signature.inputs_of(snapshot).values()],
            "output": [_config(signature.output_of(snapshot))],
        }
        return messages.ModelConfigResponse(config=config)

    async def ModelInfer(self, request: Any, _context: Any) -> Any:
        """Scores candidates."""
        _check_model(request.model_name, "model_name")
        version, snapshot = self._version(request.model_version, "model_version")
        on_thread = partial(asyncio.get_running_loop().run_in_executor, self._pool)
        raw = list(request.raw_input_contents)
        if raw and sum(map(len, raw)) <= AT_ONCE_BYTES:
            batch = _decode(request, raw, snapshot)
        else:
            batch = await on_thread(_decode, request, raw, snapshot)
        scores = await self._score(snapshot, batch)
        if raw:  # to copy the bytes takes no time worth a thread
            return _raw_answer(request, version, snapshot, scores)
        return await on_thread(_typed_answer, request, version, snapshot, scores)

    def _version(self, version: str, field: str) -> tuple[str, RankingSnapshot]:
        """Returns the snapshot that a version names, and its id; the newest for an empty one."""
        if not version:
            newest = self._follower.newest
            return self._follower.ids[0], newest
        try:
            return version, self._follower.get(version)
        except SnapshotNotHeld:
            held = ", ".join(self._follower.ids)
            raise NotFound(field, f"names a version that is not held here; held: {held}") from None


def _check_model(name: str, field: str) -> None:
    if name != signature.MODEL:
        raise NotFound(field, f"names a model that is not here; the only one is {signature.MODEL}")


def _decode(request: Any, raw: Sequence[bytes], snapshot: RankingSnapshot) -> ScoringBatch:
    wanted = signature.output_of(snapshot).name
    for position, output in enumerate(request.outputs):
        if output.name != wanted:
            raise InvalidArgument(f"outputs[{position}].name", f"must be {wanted}")
        check_parameters(wanted, output.parameters)
    signatures = signature.inputs_of(snapshot)
    return scoring_batch(decode_inputs(request, raw, signatures), signatures, snapshot)


def _raw_answer(request: Any, version: str, snapshot: RankingSnapshot, scores: Scores) -> Any:
    answer = _answer(request, version, snapshot, scores)
    answer.raw_output_contents.append(raw_elements(scores, "FP32"))
    return answer


def _typed_answer(request: Any, version: str, snapshot: RankingSnapshot, scores: Scores) -> Any:
    answer = _answer(request, version, snapshot, scores)
    fill_typed(answer.outputs[0].contents, scores, "FP32")
    return answer


def _answer(request: Any, version: str, snapshot: RankingSnapshot, scores: Scores) -> Any:
    """Returns the answer, its one output still without elements."""
    output = signature.output_of(snapshot)
    described = {"name": output.name, "datatype": output.datatype, "shape": scores.shape}
    return messages.ModelInferResponse(
        model_name=signature.MODEL, model_version=version, id=request.id, outputs=[described]
    )


def _metadata(tensor: TensorSignature) -> dict[str, Any]:
    return {"name": tensor.name, "datatype": tensor.datatype, "shape": tensor.shape}


def _config(tensor: TensorSignature) -> dict[str, Any]:
    return {"name": tensor.name, "data_type": f"TYPE_{tensor.datatype}", "dims": tensor.shape}
