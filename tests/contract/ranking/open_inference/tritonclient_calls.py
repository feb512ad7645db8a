"""What somebody else's client sees of ranking, as JSON on stdout: `tritonclient_calls.py TARGET ARRAYS.npz`.

It runs in tritonclient's own environment, with nothing of ours but the protocol's messages.
"""

import asyncio
import json
import sys
from typing import Any

import grpc
import numpy as np
import tritonclient.grpc as triton
import tritonclient.grpc.aio as triton_aio
from numpy.typing import NDArray
from tritonclient.grpc import model_config_pb2, service_pb2, service_pb2_grpc
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from services.ranking.open_inference import messages

Arrays = dict[str, NDArray[Any]]


def inputs_of(arrays: Arrays) -> list[Any]:
    """Returns arrays as tritonclient takes them; it sends them raw."""
    inputs = []
    for name, array in arrays.items():
        tensor = triton.InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
        tensor.set_data_from_numpy(array)
        inputs.append(tensor)
    return inputs


def answered(result: Any) -> dict[str, Any]:
    """Returns what a result holds."""
    response = result.get_response()
    return {
        "scores": result.as_numpy("scores").tolist(),
        "raw": len(response.raw_output_contents),
        "id": response.id,
        "version": response.model_version,
    }


def refused(call: Any) -> dict[str, str]:
    """Returns how a call fails."""
    try:
        call()
    except InferenceServerException as error:
        return {"status": str(error.status()), "message": str(error.message())}
    raise AssertionError("it was answered")


def metadata(client: Any) -> dict[str, Any]:
    """Asks what the server says of itself and of the model."""
    return {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "model ready": client.is_model_ready("ranker"),
        "other version ready": client.is_model_ready("ranker", "snapshot-2"),
        "server": client.get_server_metadata(as_json=True),
        "model": client.get_model_metadata("ranker", as_json=True),
        "config": client.get_model_config("ranker", as_json=True),
    }


def typed(target: str, arrays: Arrays) -> dict[str, Any]:
    """Asks for scores with typed values, by the stubs that tritonclient carries; its client sends raw ones alone."""
    request = service_pb2.ModelInferRequest(model_name="ranker")
    for name, array in arrays.items():
        tensor = request.inputs.add(name=name, datatype=np_to_triton_dtype(array.dtype), shape=array.shape)
        values = tensor.contents.fp32_contents if array.dtype == np.float32 else tensor.contents.int64_contents
        values.extend(array.ravel().tolist())
    with grpc.insecure_channel(target) as channel:
        response = service_pb2_grpc.GRPCInferenceServiceStub(channel).ModelInfer(request, timeout=20)
    (output,) = response.outputs
    scores = np.array(output.contents.fp32_contents, dtype=np.float32).reshape(list(output.shape))
    return {"scores": scores.tolist(), "raw": len(response.raw_output_contents)}


async def by_asyncio(target: str, arrays: Arrays) -> dict[str, Any]:
    """Asks for scores with the asyncio client."""
    async with triton_aio.InferenceServerClient(target) as client:
        return answered(await client.infer("ranker", inputs_of(arrays)))


def differences() -> list[str]:
    """Returns every method, message, field and value of ours that tritonclient does not have just so.

    Of the messages of Triton's configuration, which is long, ours have some fields; of all others, every one.
    """
    theirs = service_pb2.DESCRIPTOR.services_by_name["GRPCInferenceService"]
    ours = messages.SERVICE
    missing = []
    for method in ours.methods:
        other = theirs.methods_by_name.get(method.name)
        if other is None or signature(method) != signature(other):
            missing.append(method.full_name)
    for message in ours.file.message_types_by_name.values():
        partly = message.name in model_config_pb2.DESCRIPTOR.message_types_by_name
        missing += message_differences(message, found(message.name), partly)
    for value in ours.file.enum_types_by_name["DataType"].values:
        if model_config_pb2.DataType.Value(value.name) != value.number:
            missing.append(value.name)
    return missing


def found(name: str) -> Any:
    """Returns their message of a name."""
    for module in (service_pb2, model_config_pb2):
        if name in module.DESCRIPTOR.message_types_by_name:
            return module.DESCRIPTOR.message_types_by_name[name]
    raise AssertionError(f"tritonclient has no {name}")


def signature(method: Any) -> tuple[str, str]:
    """Returns what a method takes and gives."""
    return method.input_type.full_name, method.output_type.full_name


def message_differences(ours: Any, theirs: Any, partly: bool) -> list[str]:
    """Compares one message and those inside of it."""
    compared = {field.name for field in (ours.fields if partly else (*ours.fields, *theirs.fields))}
    differing = [
        f"{ours.full_name}.{name}"
        for name in sorted(compared)
        if shape_of(ours.fields_by_name.get(name)) != shape_of(theirs.fields_by_name.get(name))
    ]
    for nested in ours.nested_types:
        differing += message_differences(nested, theirs.nested_types_by_name[nested.name], partly)
    return differing


def shape_of(field: Any) -> tuple[Any, ...]:
    """Returns what decides how a field travels; nothing where there is none."""
    if field is None:
        return ()
    inner = field.message_type or field.enum_type
    union = field.containing_oneof
    return (field.name, field.number, field.type, field.is_repeated, inner and inner.full_name, union and union.name)


def main(target: str, path: str) -> dict[str, Any]:
    """Makes every call."""
    with np.load(path) as stored:
        arrays = dict(stored)
    with triton.InferenceServerClient(target) as client:
        inputs = inputs_of(arrays)
        wanted = [triton.InferRequestedOutput("scores")]
        return {
            "differences": differences(),
            "metadata": metadata(client),
            "infer": answered(client.infer("ranker", inputs, outputs=wanted, request_id="id-1", client_timeout=20)),
            "infer by version": answered(client.infer("ranker", inputs, model_version="snapshot-1", priority=1)),
            "infer by asyncio": asyncio.run(by_asyncio(target, arrays)),
            "infer typed": typed(target, arrays),
            "unknown model": refused(lambda: client.infer("ranker2", inputs)),
            "unknown version": refused(lambda: client.infer("ranker", inputs, model_version="7")),
            "unknown output": refused(
                lambda: client.infer("ranker", inputs, outputs=[triton.InferRequestedOutput("logits")])
            ),
            "missing input": refused(lambda: client.infer("ranker", inputs[:1])),
            "statistics": refused(lambda: client.get_inference_statistics("ranker")),
        }


if __name__ == "__main__":
    json.dump(main(*sys.argv[1:]), sys.stdout)
