"""Items of the catalogue: what can be upserted, the messages it becomes, and what comes back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Unpack

from winnow.client.requests import RecordOptions, attribute_message
from winnow.gateway.v1 import gateway_service_pb2 as pb

#: The most items of a request.
MAX_ITEMS = 1000


@dataclass(frozen=True, slots=True)
class Item:
    """An item for the catalogue.

    Attributes:
        item_id: The item's id; one that is there already is replaced.
        title: For display; its words help to find the item.
        categories: For display, filters and variety.
        attributes: Text or number by name, for filters.
        text: A description, whose words help to find the item.
    """

    item_id: str
    title: str
    categories: tuple[str, ...] = ()
    attributes: Mapping[str, str | float] = field(default_factory=dict)
    text: str = ""


@dataclass(frozen=True, slots=True)
class UpsertResult:
    """That items are on disk.

    Attributes:
        added: How many the catalogue did not have before.
        updated: How many it had.
        request_id: The request's id in the logs of all services.
    """

    added: int
    updated: int
    request_id: str


@dataclass(frozen=True, slots=True)
class WithdrawResult:
    """That it is on disk that items are withdrawn.

    Attributes:
        withdrawn: How many were there to be withdrawn.
        request_id: The request's id in the logs of all services.
    """

    withdrawn: int
    request_id: str


def upsert_request(items: Iterable[Item], **options: Unpack[RecordOptions]) -> pb.UpsertItemsRequest:
    """Returns the message for `upsert_items`."""
    return pb.UpsertItemsRequest(items=[_item(item) for item in items], request_id=options.get("request_id", ""))


def withdraw_request(item_ids: Iterable[str], **options: Unpack[RecordOptions]) -> pb.WithdrawItemsRequest:
    """Returns the message for `withdraw_items`."""
    return pb.WithdrawItemsRequest(item_ids=item_ids, request_id=options.get("request_id", ""))


def read_upsert(response: pb.UpsertItemsResponse) -> UpsertResult:
    """Returns the value of a message."""
    return UpsertResult(response.added, response.updated, response.request_id)


def read_withdraw(response: pb.WithdrawItemsResponse) -> WithdrawResult:
    """Returns the value of a message."""
    return WithdrawResult(response.withdrawn, response.request_id)


def _item(item: Item) -> pb.Item:
    return pb.Item(
        item_id=item.item_id,
        title=item.title,
        categories=item.categories,
        attributes={name: attribute_message(value) for name, value in item.attributes.items()},
        text=item.text,
    )
