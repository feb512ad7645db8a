"""Tensors of the protocol to arrays and back: raw bytes or typed values, as the request has chosen."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.ranking.open_inference.signature import ANY, Datatype, TensorSignature
from shared.errors import InvalidArgument

#: What follows the type of a tensor's elements: how they are laid out in bytes, and the list that holds them as values.
DTYPE_OF: Mapping[Datatype, np.dtype[Any]] = {"INT64": np.dtype("<i8"), "FP32": np.dtype("<f4")}
TYPED_FIELD_OF: Mapping[Datatype, str] = {"INT64": "int64_contents", "FP32": "fp32_contents"}

#: Parameters of a tensor that ask for something else than its elements in the message.
_OTHER_WAYS = ("shared_memory_region", "classification")

#: Axes of a wrong shape that an error repeats.
_AXES_TOLD = 8


def decode_inputs(
    request: Any, raw: Sequence[bytes], signatures: Mapping[str, TensorSignature]
) -> dict[str, NDArray[Any]]:
    """Returns the arrays of a `ModelInferRequest` by name; raw ones are read-only views of its bytes.

    Args:
        request: The request.
        raw: Its `raw_input_contents`, read once: reading them copies them. Empty where it carries values.
        signatures: The inputs that the model has, by name.

    Raises:
        InvalidArgument: naming the tensor, or the field, that does not fit the signatures or itself.
    """
    if raw and len(raw) != len(request.inputs):
        raise InvalidArgument("raw_input_contents", f"has {len(raw)} entries for {len(request.inputs)} inputs")
    arrays: dict[str, NDArray[Any]] = {}
    for position, tensor in enumerate(request.inputs):
        signature = signatures.get(tensor.name)
        if signature is None:
            raise InvalidArgument(f"inputs[{position}].name", f"must be one of {', '.join(signatures)}")
        name = signature.name
        if name in arrays:
            raise InvalidArgument(name, "is there twice")
        check_parameters(name, tensor.parameters)
        shape = _checked_shape(tensor, signature)
        flat = _raw_elements(tensor, signature, raw[position]) if raw else _typed_elements(tensor, signature)
        if len(flat) != math.prod(shape):
            raise InvalidArgument(name, f"has {len(flat)} elements where its shape needs {math.prod(shape)}")
        arrays[name] = flat if len(shape) == 1 else flat.reshape(shape)
    return arrays


def check_parameters(name: str, parameters: Mapping[str, Any]) -> None:
    """Checks that nothing is asked of a tensor that would change where its elements are, or what they mean.

    Raises:
        InvalidArgument: naming the tensor.
    """
    if not parameters:
        return
    for parameter in _OTHER_WAYS:
        if parameter in parameters:
            raise InvalidArgument(name, f"has the parameter {parameter}, which is not offered")


def raw_elements(array: NDArray[Any], datatype: Datatype) -> bytes:
    """Returns the elements of an array as the protocol's bytes."""
    return np.ascontiguousarray(array, dtype=DTYPE_OF[datatype]).tobytes()


def fill_typed(contents: Any, array: NDArray[Any], datatype: Datatype) -> None:
    """Adds the elements of an array to an `InferTensorContents`."""
    getattr(contents, TYPED_FIELD_OF[datatype]).extend(array.ravel().tolist())


def _checked_shape(tensor: Any, signature: TensorSignature) -> tuple[int, ...]:
    if tensor.datatype != signature.datatype:
        raise InvalidArgument(signature.name, f"must have datatype {signature.datatype}")
    shape = tuple(tensor.shape)
    if not _fits(shape, signature.shape):
        pattern = ", ".join("any" if want == ANY else str(want) for want in signature.shape)
        raise InvalidArgument(signature.name, f"must have shape [{pattern}], not {list(shape[:_AXES_TOLD])}")
    return shape


def _fits(shape: Sequence[int], wanted: Sequence[int]) -> bool:
    if len(shape) != len(wanted):
        return False
    for got, want in zip(shape, wanted, strict=True):  # noqa: SIM110 - a generator costs as much as all the checks
        if got < 0 or want not in (got, ANY):
            return False
    return True


def _raw_elements(tensor: Any, signature: TensorSignature, content: bytes) -> NDArray[Any]:
    if tensor.HasField("contents"):
        raise InvalidArgument(signature.name, "has contents although the request has raw_input_contents")
    dtype = DTYPE_OF[signature.datatype]
    if len(content) % dtype.itemsize:
        raise InvalidArgument(signature.name, f"has {len(content)} bytes, which are no multiple of {dtype.itemsize}")
    return np.frombuffer(content, dtype=dtype)


def _typed_elements(tensor: Any, signature: TensorSignature) -> NDArray[Any]:
    wanted = TYPED_FIELD_OF[signature.datatype]
    for field, _values in tensor.contents.ListFields():
        if field.name != wanted:
            raise InvalidArgument(signature.name, f"has {field.name}; {signature.datatype} goes in {wanted}")
    values = getattr(tensor.contents, wanted)
    return np.fromiter(values, dtype=DTYPE_OF[signature.datatype], count=len(values))
