"""The contracts explain themselves: every service, RPC, message, field, enum and value says what it is."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto, FileDescriptorSet

from tests.unit.project.sources import ROOT

OWN_PROTOS = sorted(path.relative_to(ROOT / "protos").as_posix() for path in (ROOT / "protos").rglob("*.proto"))

#: Below a root of its own: the protocol's names and numbers are not ours, the comments are.
OPEN_INFERENCE = ROOT / "services" / "ranking" / "open_inference"
PROTOS = [*OWN_PROTOS, "open_inference.proto"]

# Field numbers in descriptor.proto: a location's path is made of them and of positions.
FILE_MESSAGES, FILE_ENUMS, FILE_SERVICES = 4, 5, 6
MESSAGE_FIELDS, MESSAGE_NESTED, MESSAGE_ENUMS = 2, 3, 4
ENUM_VALUES = SERVICE_METHODS = 2

Element = tuple[tuple[int, ...], str]


@pytest.fixture(scope="module")
def contracts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, FileDescriptorProto]:
    """The descriptors of all contracts with their comments, which the generated stubs leave out."""
    out = tmp_path_factory.mktemp("descriptors") / "all.bin"
    roots = ["-I.", f"-I{OPEN_INFERENCE}"]
    command = [
        sys.executable,
        "-m",
        "grpc_tools.protoc",
        *roots,
        "--include_source_info",
        f"--descriptor_set_out={out}",
    ]
    subprocess.run([*command, *PROTOS], cwd=ROOT / "protos", check=True)
    return {file.name: file for file in FileDescriptorSet.FromString(Path(out).read_bytes()).file}


def children(elements: Sequence[Any], path: tuple[int, ...], name: str) -> Iterator[tuple[Any, tuple[int, ...], str]]:
    """Yields each element with its path and full name."""
    for position, element in enumerate(elements):
        yield element, (*path, position), f"{name}.{element.name}"


def enum_elements(enums: Sequence[Any], path: tuple[int, ...], name: str) -> Iterator[Element]:
    """Yields enums and their values."""
    for enum, enum_path, enum_name in children(enums, path, name):
        yield enum_path, enum_name
        for _value, value_path, value_name in children(enum.value, (*enum_path, ENUM_VALUES), enum_name):
            yield value_path, value_name


def message_elements(messages: Sequence[DescriptorProto], path: tuple[int, ...], name: str) -> Iterator[Element]:
    """Yields messages, their fields, and what is declared inside of them."""
    for message, message_path, message_name in children(messages, path, name):
        if message.options.map_entry:  # the compiler declares it for a map field
            continue
        yield message_path, message_name
        for _field, field_path, field_name in children(message.field, (*message_path, MESSAGE_FIELDS), message_name):
            yield field_path, field_name
        yield from enum_elements(message.enum_type, (*message_path, MESSAGE_ENUMS), message_name)
        yield from message_elements(message.nested_type, (*message_path, MESSAGE_NESTED), message_name)


def elements(file: FileDescriptorProto) -> Iterator[Element]:
    """Yields everything that a contract declares."""
    for service, path, name in children(file.service, (FILE_SERVICES,), file.package):
        yield path, name
        for _method, method_path, method_name in children(service.method, (*path, SERVICE_METHODS), name):
            yield method_path, method_name
    yield from enum_elements(file.enum_type, (FILE_ENUMS,), file.package)
    yield from message_elements(file.message_type, (FILE_MESSAGES,), file.package)


def test_the_contracts_are_found() -> None:
    """One for each service, and one for what they offer beside it."""
    assert [proto.split("/")[1] for proto in OWN_PROTOS] == [
        "exchange",
        "feature_store",
        "gateway",
        "ranking",
        "recall",
    ]


@pytest.mark.parametrize("proto", PROTOS)
def test_everything_in_a_contract_has_a_comment(proto: str, contracts: dict[str, FileDescriptorProto]) -> None:
    """In front of it, where tools that show a contract look for it."""
    file = contracts[proto]
    commented = {
        tuple(location.path) for location in file.source_code_info.location if location.leading_comments.strip()
    }
    declared = list(elements(file))
    assert declared
    assert [name for path, name in declared if path not in commented] == []
