"""Requests about upserted and withdrawn items, to the domain's values and back; every limit of the contract is checked here."""

from collections.abc import Sequence

from services.feature_store.item_changes import Item, ItemChange
from services.feature_store.limits import MAX_ID_BYTES, check_count, check_text, check_unique
from services.feature_store.live_items import Changes
from services.feature_store.requests import read_attributes
from shared.errors import InvalidArgument
from winnow.feature_store.v1 import feature_store_service_pb2 as messages

MAX_ITEMS = 1_000
MAX_TITLE_BYTES = 1_024
MAX_CATEGORIES = 64
MAX_CATEGORY_BYTES = 256
MAX_ATTRIBUTES = 64
MAX_DESCRIPTION_BYTES = 16_384
#: Changes in one answer; also what 0 asks for.
MAX_CHANGES = 1_000


def read_items(request: messages.UpsertItemsRequest) -> list[Item]:
    """Returns the items of a request.

    Raises:
        InvalidArgument: naming the field that breaks a limit.
    """
    check_count("items", len(request.items), MAX_ITEMS)
    items = [_read_item(f"items[{position}]", item) for position, item in enumerate(request.items)]
    _check_ids("items", [item.item_id for item in items])
    return items


def read_withdrawn(request: messages.WithdrawItemsRequest) -> list[str]:
    """Returns the ids of a request.

    Raises:
        InvalidArgument: naming the field that breaks a limit.
    """
    item_ids = list(request.item_ids)
    check_count("item_ids", len(item_ids), MAX_ITEMS)
    for position, item_id in enumerate(item_ids):
        check_text(f"item_ids[{position}]", item_id, MAX_ID_BYTES)
    check_unique("item_ids", item_ids)
    return item_ids


def write_changes(changes: Changes) -> messages.ListItemChangesResponse:
    """Returns changes as their message."""
    response = messages.ListItemChangesResponse(version=changes.version, more=changes.more)
    for change in changes.changes:
        _write_change(response.changes.add(), change)
    return response


def _read_item(field: str, item: messages.Item) -> Item:
    check_text(f"{field}.item_id", item.item_id, MAX_ID_BYTES)
    check_text(f"{field}.title", item.title, MAX_TITLE_BYTES)
    categories = tuple(item.categories)
    if len(categories) > MAX_CATEGORIES:
        raise InvalidArgument(f"{field}.categories", f"holds {len(categories)}; at most {MAX_CATEGORIES} are allowed")
    for position, category in enumerate(categories):
        check_text(f"{field}.categories[{position}]", category, MAX_CATEGORY_BYTES, required=False)
    attributes = read_attributes(f"{field}.attributes", item.attributes, MAX_ATTRIBUTES)
    check_text(f"{field}.text", item.text, MAX_DESCRIPTION_BYTES, required=False)
    return Item(item.item_id, False, item.title, categories, attributes, item.text)


def _check_ids(field: str, item_ids: Sequence[str]) -> None:
    if len(set(item_ids)) < len(item_ids):
        place_of: dict[str, int] = {}
        for position, item_id in enumerate(item_ids):
            if (first := place_of.setdefault(item_id, position)) != position:
                raise InvalidArgument(f"{field}[{position}].item_id", f"is that of {field}[{first}] once more")


def _write_change(message: messages.ItemChange, change: ItemChange) -> None:
    item = change.item
    message.version, message.number, message.changed_at_ms = change.version, change.number, change.changed_at_ms
    message.withdrawn = item.withdrawn
    message.item.item_id, message.item.title, message.item.text = item.item_id, item.title, item.text
    message.item.categories.extend(item.categories)
    for name, value in item.attributes.items():
        if isinstance(value, str):
            message.item.attributes[name].text = value
        else:
            message.item.attributes[name].number = value
