"""From the domain's values to the contract's answers, where that is more than a line."""

from services.feature_store.field_states import FieldStates
from shared.tensors import with_tensors
from winnow.feature_store.v1 import feature_store_service_pb2 as messages


def with_states(answer: messages.GetUsersResponse, states: FieldStates) -> messages.GetUsersResponse:
    """Returns the answer, with whence the values of the users' declared fields are written into it."""
    with_tensors(answer, field_states=states.states, field_ages=states.ages)
    for present in states.values:
        values = answer.values.add().values
        for name, value in present.items():
            if isinstance(value, str):
                values[name].text = value
            else:
                values[name].number = value
    return answer
