"""The protocol's messages, in a descriptor pool of their own.

The clients of KServe and Triton register the same names, `inference.*`, in the pool that a process has by default, and
that pool refuses a second file with them: importing such a client beside stubs of the usual kind fails. So there are
none; the classes are made from `open_inference.binpb`, which `make protos` writes.
"""

from pathlib import Path
from typing import Any

from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

_DESCRIPTORS = Path(__file__).with_name("open_inference.binpb")


def _service() -> ServiceDescriptor:
    pool = DescriptorPool()
    for file in FileDescriptorSet.FromString(_DESCRIPTORS.read_bytes()).file:
        pool.Add(file)  # type: ignore[no-untyped-call]
    service: ServiceDescriptor = pool.FindServiceByName("inference.GRPCInferenceService")  # type: ignore[no-untyped-call]
    return service


#: The service; `SERVICE.file.pool` is the pool that describes it.
SERVICE = _service()


def message_class(name: str) -> Any:
    """Returns the class of a message of the protocol, such as `ModelInferRequest`.

    Raises:
        KeyError: the protocol has no such message.
    """
    return GetMessageClass(SERVICE.file.message_types_by_name[name])


ServerLiveResponse = message_class("ServerLiveResponse")
ServerReadyResponse = message_class("ServerReadyResponse")
ServerMetadataResponse = message_class("ServerMetadataResponse")
ModelReadyResponse = message_class("ModelReadyResponse")
ModelMetadataResponse = message_class("ModelMetadataResponse")
ModelConfigResponse = message_class("ModelConfigResponse")
ModelInferResponse = message_class("ModelInferResponse")
