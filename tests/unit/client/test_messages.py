"""What becomes of values on their way to messages and back."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime
from typing import cast

import pytest

from winnow.client import Event, EventType
from winnow.client.requests import record_request
from winnow.client.results import read_recommend
from winnow.gateway.v1 import gateway_service_pb2 as pb


def test_a_time_without_a_zone_is_refused() -> None:
    """A local time would be taken for UTC, hours off."""
    with pytest.raises(ValueError, match="time zone"):
        record_request([Event("u", "i", occurred_at=datetime(2026, 11, 21))])


def test_a_type_of_event_that_does_not_exist_is_refused() -> None:
    """The message names the types that do."""
    with pytest.raises(ValueError, match="view, click, like, dislike, purchase"):
        record_request([Event("u", "i", cast("EventType", "stare"))])


def test_events_without_an_id_are_told_apart() -> None:
    """Two events are two, even when all else is equal."""
    first, second = record_request([Event("u", "i"), Event("u", "i")]).events
    assert first.event_id != second.event_id


def test_a_stage_that_only_a_newer_server_knows_does_no_harm() -> None:
    """An enum value out of this client's contract is named by its number."""
    response = pb.RecommendResponse()
    response.degradations.add(stage=cast("pb.Stage.ValueType", 77), reason=pb.DEGRADATION_REASON_ERROR)
    assert read_recommend(response).degradations[0].stage == "unknown_77"


def test_the_client_stands_alone() -> None:
    """Importing it imports nothing of the suite but the stubs."""
    program = "import sys, winnow.client; print([m for m in sys.modules if m.split('.')[0] in ('shared', 'services')])"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
