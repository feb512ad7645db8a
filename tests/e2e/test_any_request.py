"""Every method of every service, found by reflection, is sent anything at all."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from google.protobuf.message_factory import GetMessageClass
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.snapshot.repository import SnapshotRepository
from shared.status import error_info
from tests.e2e.random_messages import Vocabulary, messages, shortened
from tests.e2e.reflected import ReflectedMethod, reflected_methods
from tests.e2e.suite import Suite

#: What the contracts document. INTERNAL and UNKNOWN are not among them.
DOCUMENTED = {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION", "RESOURCE_EXHAUSTED"}

OPEN_INFERENCE = (
    "ServerLive",
    "ServerReady",
    "ModelReady",
    "ServerMetadata",
    "ModelMetadata",
    "ModelInfer",
    "ModelConfig",
)

METHODS = {
    "gateway": (
        *("RecommendSimilar", "Recommend", "RecordEvents", "IngestEvents", "Explain"),
        *("UpsertItems", "WithdrawItems", "ForgetUser"),
    ),
    "feature_store": (
        *("GetUsers", "GetItems", "RecordEvents", "IngestEvents", "ImportUsers", "WriteItemFeatures", "LogExposures"),
        *(
            "UpsertItems",
            "WithdrawItems",
            "ListItemChanges",
            "ForgetUser",
            "ExportUser",
            "GetSnapshotStatus",
            "Exchange",
        ),
    ),
    "recall": ("Retrieve", "RetrieveSimilar", "GetSnapshotStatus", "Exchange"),
    "ranking": ("Score", "GetSnapshotStatus", "Exchange", *OPEN_INFERENCE),
}


@pytest.fixture(scope="module")
def reflected(suite: Suite) -> Iterator[dict[tuple[str, str], ReflectedMethod]]:
    """Every method of the suite, as reflection describes it."""
    channels = {name: grpc.insecure_channel(suite.ports.target(name)) for name in suite.services}
    yield {
        (name, method.descriptor.name): method
        for name, channel in channels.items()
        for method in reflected_methods(channel)
    }
    for channel in channels.values():
        channel.close()


@pytest.fixture(scope="module")
def vocabulary(suite: Suite, snapshots: Path) -> Vocabulary:
    """What means something to the suite."""
    manifest = SnapshotRepository(snapshots).manifest(suite.snapshot_id)
    return Vocabulary(suite.snapshot_id, suite.item_ids, suite.user_ids, manifest.feature_schema.item_features)


def test_a_client_that_knows_only_reflection_finds_every_method(
    reflected: dict[tuple[str, str], ReflectedMethod],
) -> None:
    """Reflection lists each service's methods, no fewer and no more."""
    assert set(reflected) == {(service, method) for service, methods in METHODS.items() for method in methods}


@pytest.mark.parametrize(("service", "method"), [(name, method) for name in METHODS for method in METHODS[name]])
def test_a_client_that_knows_only_reflection_can_call_every_method(
    reflected: dict[tuple[str, str], ReflectedMethod], service: str, method: str
) -> None:
    """An empty message to any method gets an answer, or a documented status that says what is missing."""
    call = reflected[service, method]
    assert _outcome(call, GetMessageClass(call.descriptor.input_type)()) in DOCUMENTED


@pytest.mark.parametrize(("service", "method"), [(name, method) for name in METHODS for method in METHODS[name]])
@settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), print_blob=False
)  # fmt: skip
@given(drawn=st.data())
def test_any_message_gets_a_documented_status(
    reflected: dict[tuple[str, str], ReflectedMethod],
    vocabulary: Vocabulary,
    service: str,
    method: str,
    drawn: st.DataObject,
) -> None:
    """Random messages are answered or refused as documented; a refusal for its content names the field."""
    call = reflected[service, method]
    request = drawn.draw(messages(call.descriptor.input_type, vocabulary))

    outcome = _outcome(call, request)

    assert outcome in DOCUMENTED, f"{outcome} for {shortened(request)}"


def _outcome(call: ReflectedMethod, request: object) -> str:
    """Calls and returns the name of the status; a refusal of an argument that names no field fails."""
    try:
        call(request)  # type: ignore[arg-type]
        return "OK"
    except grpc.RpcError as failed:
        error = failed
    code: str = error.code().name
    if code == "INVALID_ARGUMENT":
        info = error_info(error)
        assert info is not None
        assert info.metadata["field"]
    return code
