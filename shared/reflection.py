"""Server reflection, v1 and v1alpha, so that tools that know no contract can list and call every method.

grpcio-reflection serves v1alpha only. v1 is the same schema under another name, so the same servicer answers it.
"""

from collections.abc import Sequence

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool
from grpc_reflection.v1alpha import reflection, reflection_pb2

V1_NAME = "grpc.reflection.v1.ServerReflection"
_V1_FILE = "grpc/reflection/v1/reflection.proto"


def add_reflection(server: grpc.aio.Server, service_names: Sequence[str]) -> None:
    """Makes `server` answer reflection for `service_names` and for reflection itself."""
    _register_v1_descriptors()
    names = (*service_names, V1_NAME, reflection.SERVICE_NAME)
    reflection.enable_server_reflection(names, server)
    servicer = reflection.aio.ReflectionServicer(names)
    handler = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(V1_NAME, {"ServerReflectionInfo": handler}),))


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
