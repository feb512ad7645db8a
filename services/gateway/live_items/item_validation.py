"""From requests about items to values: every limit of the contract, in the order of its fields."""

from collections.abc import Sequence

from services.gateway.live_items.changes import NewItem
from services.gateway.validation import MAX_ID_BYTES, check_bytes, check_count, check_required, read_attributes
from shared.errors import InvalidArgument
from winnow.gateway.v1 import gateway_service_pb2 as pb

MAX_ITEMS = 1_000
MAX_TITLE_BYTES = 1_024
MAX_CATEGORIES = 64
MAX_CATEGORY_BYTES = 256
MAX_ATTRIBUTES = 64
MAX_DESCRIPTION_BYTES = 16_384


def read_items(request: pb.UpsertItemsRequest) -> list[NewItem]:
    """Returns the items in a request.

    Raises:
        InvalidArgument: naming the field that breaks a limit.
    """
    if not request.items:
        raise InvalidArgument("items", "must not be empty")
    check_count(request.items, "items", MAX_ITEMS)
    items = [_read_item(item, f"items[{i}]") for i, item in enumerate(request.items)]
    _check_once([item.item_id for item in items], "items[{}].item_id")
    return items


def read_withdrawn(request: pb.WithdrawItemsRequest) -> list[str]:
    """Returns the ids in a request.

    Raises:
        InvalidArgument: naming the field that breaks a limit.
    """
    if not request.item_ids:
        raise InvalidArgument("item_ids", "must not be empty")
    check_count(request.item_ids, "item_ids", MAX_ITEMS)
    for i, item_id in enumerate(request.item_ids):
        check_required(item_id, f"item_ids[{i}]", MAX_ID_BYTES)
    _check_once(request.item_ids, "item_ids[{}]")
    return list(request.item_ids)


def _read_item(item: pb.Item, path: str) -> NewItem:
    check_required(item.item_id, f"{path}.item_id", MAX_ID_BYTES)
    check_required(item.title, f"{path}.title", MAX_TITLE_BYTES)
    check_count(item.categories, f"{path}.categories", MAX_CATEGORIES)
    for i, category in enumerate(item.categories):
        check_bytes(category, f"{path}.categories[{i}]", MAX_CATEGORY_BYTES)
    attributes = read_attributes(item.attributes, f"{path}.attributes", MAX_ATTRIBUTES)
    if "" in attributes:
        raise InvalidArgument(f"{path}.attributes", "must not have an empty name")
    check_bytes(item.text, f"{path}.text", MAX_DESCRIPTION_BYTES)
    return NewItem(item.item_id, item.title, tuple(item.categories), tuple(attributes.items()), item.text)


def _check_once(item_ids: Sequence[str], path: str) -> None:
    seen: set[str] = set()
    for i, item_id in enumerate(item_ids):
        if item_id in seen:
            raise InvalidArgument(path.format(i), "comes twice")
        seen.add(item_id)
