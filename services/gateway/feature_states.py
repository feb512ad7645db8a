"""Whence features are and how old, as the feature store tells it to who asks."""

from services.gateway.inspection import ItemStates
from services.gateway.neighbours import UserFields, ValueState
from services.gateway.snapshot import GatewaySnapshot
from shared.errors import InvalidArgument
from shared.features import AttributeValue
from shared.tensors import UINT8, UINT32, decode
from winnow.feature_store.v1 import feature_store_service_pb2 as pb

STATES = {1: ValueState.PRESENT, 2: ValueState.DEFAULT, 3: ValueState.EXPIRED}


def read_user_fields(response: pb.GetUsersResponse, snapshot: GatewaySnapshot, users: int) -> list[UserFields | None]:
    """Returns for each user whence the values are; None for all where the feature store does not tell.

    Raises:
        InvalidArgument: what it tells cannot be used.
    """
    if not response.HasField("field_states") or not response.HasField("field_ages"):
        return [None] * users
    width = len(snapshot.manifest.feature_schema.user_fields)
    states = decode(response.field_states, "field_states", UINT8, [users, width]).tolist()
    ages = decode(response.field_ages, "field_ages", UINT32, [users, width]).tolist()
    if len(response.values) != users:
        raise InvalidArgument("values", f"are of {len(response.values)} users, not {users}")
    return [
        UserFields(
            tuple(_state(state, "field_states") for state in states[user]),
            tuple(ages[user]),
            {name: _value(value) for name, value in response.values[user].values.items()},
        )
        for user in range(users)
    ]


def read_item_states(response: pb.GetItemsResponse, shape: tuple[int, ...]) -> ItemStates | None:
    """Returns whence the values of a matrix of features are; None where the feature store does not tell.

    Raises:
        InvalidArgument: what it tells cannot be used.
    """
    if not response.HasField("states") or not response.HasField("ages"):
        return None
    states = decode(response.states, "states", UINT8, shape).tolist()
    return ItemStates(
        [[_state(state, "states") for state in of_item] for of_item in states],
        decode(response.ages, "ages", UINT32, shape).tolist(),
    )


def _state(number: int, field: str) -> ValueState:
    state = STATES.get(number)
    if state is None:
        raise InvalidArgument(field, f"has the unknown state {number}")
    return state


def _value(value: pb.AttributeValue) -> AttributeValue:
    return value.text if value.WhichOneof("value") == "text" else value.number
