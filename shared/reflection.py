"""Server reflection, v1 and v1alpha, so that tools that know no contract can list and call every method.

grpcio-reflection serves v1alpha only. v1 is the same schema under another name, so the same servicer answers it.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import ServiceDescriptor
from grpc_reflection.v1alpha import reflection, reflection_pb2

V1_NAME = "grpc.reflection.v1.ServerReflection"
_V1_FILE = "grpc/reflection/v1/reflection.proto"


def add_reflection(server: grpc.aio.Server, services: Sequence[ServiceDescriptor]) -> None:
    """Makes `server` answer reflection for `services`, each from the pool it is in, and for reflection itself."""
    _register_v1_descriptors()
    names = (*(service.full_name for service in services), V1_NAME, reflection.SERVICE_NAME)
    pool = PoolChain((descriptor_pool.Default(), *(service.file.pool for service in services)))  # type: ignore[no-untyped-call]
    reflection.enable_server_reflection(names, server, pool)
    servicer = reflection.aio.ReflectionServicer(names, pool)
    handler = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(V1_NAME, {"ServerReflectionInfo": handler}),))


class PoolChain:
    """Descriptor pools that are asked in turn, as one: what reflection needs of a pool.

    A service whose names others may register in the default pool has a pool of its own.

    Args:
        pools: The pools; the first that has a name answers for it.
    """

    def __init__(self, pools: Iterable[Any]) -> None:
        self._pools = tuple(dict.fromkeys(pools))

    def FindFileByName(self, name: str) -> Any:  # noqa: N802 - named as in a pool
        """Returns the file of that name.

        Raises:
            KeyError: no pool has one.
        """
        return self._first(lambda pool: pool.FindFileByName(name))

    def FindFileContainingSymbol(self, symbol: str) -> Any:  # noqa: N802
        """Returns the file that declares a symbol.

        Raises:
            KeyError: no pool has one.
        """
        return self._first(lambda pool: pool.FindFileContainingSymbol(symbol))

    def FindMessageTypeByName(self, name: str) -> Any:  # noqa: N802
        """Returns the descriptor of a message.

        Raises:
            KeyError: no pool has one.
        """
        return self._first(lambda pool: pool.FindMessageTypeByName(name))

    def FindExtensionByNumber(self, message: Any, number: int) -> Any:  # noqa: N802
        """Returns the extension of a message that has a number.

        Raises:
            KeyError: there is none.
        """
        return message.file.pool.FindExtensionByNumber(message, number)

    def FindAllExtensions(self, message: Any) -> Any:  # noqa: N802
        """Returns the extensions of a message."""
        return message.file.pool.FindAllExtensions(message)

    def _first(self, find: Callable[[Any], Any]) -> Any:
        for pool in self._pools[:-1]:
            with suppress(KeyError):
                return find(pool)
        return find(self._pools[-1])


def _register_v1_descriptors() -> None:
    pool = descriptor_pool.Default()  # type: ignore[no-untyped-call]
    try:
        pool.FindFileByName(_V1_FILE)
    except KeyError:
        v1 = descriptor_pb2.FileDescriptorProto()
        reflection_pb2.DESCRIPTOR.CopyToProto(v1)
        v1.name = _V1_FILE
        _rename_package(v1, v1.package, "grpc.reflection.v1")
        pool.AddSerializedFile(v1.SerializeToString())


def _rename_package(file: descriptor_pb2.FileDescriptorProto, old: str, new: str) -> None:
    file.package = new
    for message in file.message_type:
        for field in message.field:
            if field.type_name:  # of messages and enums; assigning an empty one marks it as set, which is refused
                field.type_name = field.type_name.replace(f".{old}.", f".{new}.")
    for service in file.service:
        for method in service.method:
            method.input_type = method.input_type.replace(f".{old}.", f".{new}.")
            method.output_type = method.output_type.replace(f".{old}.", f".{new}.")
