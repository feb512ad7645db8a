"""Exporting what is remembered of a user."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import grpc
import msgspec

from services.cli.failure import Failure
from shared.channel import channel_options
from winnow.feature_store.v1 import feature_store_service_pb2 as pb
from winnow.feature_store.v1.feature_store_service_pb2_grpc import FeatureStoreServiceStub


def export(user_id: str, target: str, seconds: float, out: Path | None) -> None:
    """Writes everything that is remembered of a user, one JSON object a line, to a file or to stdout.

    Raises:
        Failure: the feature store failed, or the file cannot be written. No file is left then.
    """
    if out is None:
        _write(user_id, target, seconds, sys.stdout)
        return
    unfinished = out.with_name(f".{out.name}.tmp")
    try:
        with unfinished.open("w") as file:
            unfinished.chmod(0o600)  # it is about a person
            _write(user_id, target, seconds, file)
        unfinished.replace(out)
    except OSError as error:
        raise Failure(f"{out} cannot be written: {error.strerror}.") from error
    finally:
        unfinished.unlink(missing_ok=True)


def _write(user_id: str, target: str, seconds: float, file: TextIO) -> None:
    try:
        for place, record in _ask(user_id, target, seconds):
            # The record is JSON already; it is put in as it is.
            file.write(msgspec.json.encode({"place": place, "record": msgspec.Raw(record.encode())}).decode() + "\n")
    except grpc.RpcError as error:
        advice = ""
        if error.code() is grpc.StatusCode.UNAVAILABLE:
            advice = " Start the suite with `winnow serve`, or name another with --target."
        problem = f"{error.details()} ({error.code().name})"
        raise Failure(f"The feature store at {target} failed: {problem}.{advice}") from error


def _ask(user_id: str, target: str, seconds: float) -> Iterator[tuple[str, str]]:
    with grpc.insecure_channel(target, channel_options(retry=True)) as channel:
        stub = FeatureStoreServiceStub(channel)
        for response in stub.ExportUser(pb.ExportUserRequest(user_id=user_id), timeout=seconds):
            yield response.place, response.record
