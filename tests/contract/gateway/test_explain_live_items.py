"""Items that came, changed or went since the snapshot was made are explained by what they are ranked as."""

from typing import Any

import grpc
import numpy as np

from shared.tensors import UINT32, decode, with_tensors
from tests.contract.gateway.conftest import Suite
from tests.contract.gateway.neighbours import answers, fails, user_response
from tests.contract.gateway.test_live_items import ITEMS, finds, item, upsert, withdraw
from winnow.feature_store.v1 import feature_store_service_pb2 as feature_store_pb
from winnow.gateway.v1 import gateway_service_pb2 as pb


def of(explained: pb.ExplainResponse, item_id: str) -> pb.ItemExplanation:
    """The explanation of an item."""
    (found,) = [one for one in explained.items if one.item_id == item_id]
    return found


async def test_a_new_item_names_the_known_ones_that_it_is_ranked_as(suite: Suite) -> None:
    """Its score, its features and what contributed are the means of theirs; whence its features are, nobody wrote."""
    await upsert(suite, item("new", "New", "western"))
    finds(suite, 30, ITEMS, 10, stand_ins=[[40, 30, 30]])
    explained = await suite.explain(max_results=3)
    one = of(explained, "new")
    assert list(one.stand_in_item_ids) == ["item-00040", "item-00030"]
    assert (one.outcome, one.place, one.recall_place, one.score_place) == (pb.OUTCOME_SHOWN, 1, 2, 1)
    assert {told.objective: told.score for told in one.objectives} == {"click": 35.0, "like": 0.5}
    assert [feature.value.number for feature in one.features] == [35.0] * 3
    assert {feature.state for feature in one.features} == {pb.FEATURE_STATE_UNSPECIFIED}
    assert pb.FEATURE_STATE_UNSPECIFIED not in {feature.state for feature in of(explained, "item-00010").features}
    assert list(of(explained, "item-00030").stand_in_item_ids) == []
    assert list(explained.degradations) == []


async def test_a_new_item_that_nobody_found_has_places_but_no_scores(suite: Suite) -> None:
    """Nobody can say what it is like."""
    await upsert(suite, item("new"))
    one = of(await suite.explain("new"), "new")
    assert one.outcome == pb.OUTCOME_NOT_FOUND
    assert (list(one.objectives), list(one.features), list(one.stand_in_item_ids)) == ([], [], [])


async def test_a_changed_item_is_ranked_as_what_it_was(suite: Suite) -> None:
    """Whether recall finds it or not."""
    await upsert(suite, item("item-00030", "Changed"))
    one = of(await suite.explain("item-00030", max_results=1), "item-00030")
    assert (one.title, list(one.stand_in_item_ids)) == ("Changed", ["item-00030"])
    assert one.objectives[0].score == 30.0


async def test_a_withdrawn_item_is_missed_for_that_reason(suite: Suite) -> None:
    """It can still be asked for, and the filter counts it when recall still finds it."""
    await withdraw(suite, "item-00030")
    explained = await suite.explain("item-00030")
    one = of(explained, "item-00030")
    assert (one.outcome, one.removed_by, one.recall_place) == (pb.OUTCOME_REMOVED, "withdrawn", 1)
    assert {step.filter: list(step.item_ids) for step in explained.filters}["withdrawn"] == ["item-00030"]


async def test_a_live_item_in_the_history_is_named(suite: Suite) -> None:
    """Recall was told of it; ranking was not, and a row that stands for nothing here is left out."""
    await upsert(suite, item("new"))
    suite.neighbours.behaviours["GetUsers"] = answers(user_response(history=(1, ITEMS, ITEMS + 7)))
    explained = await suite.explain()
    assert list(explained.history_item_ids) == ["item-00001", "new"]
    for method, request in suite.neighbours.calls:
        if method == "Score":
            assert max(decode(request.history_rows, "history_rows", UINT32, [None])) < ITEMS
    assert list(explained.degradations) == list(explained.response.degradations) == []


async def test_without_states_a_live_item_is_explained_where_its_stand_ins_were_ranked(suite: Suite) -> None:
    """Their features are known from the answer; those of a changed item that was not found are not."""
    await upsert(suite, item("new"), item("item-00049", "Changed"))
    finds(suite, 30, ITEMS, 10, stand_ins=[[40, 30]])

    async def once(request: Any, context: Any) -> Any:
        if suite.neighbours.methods.count("GetItems") > 1:
            return await fails(grpc.StatusCode.INTERNAL)(request, context)
        rows = decode(request.rows, "rows", UINT32, [None]).astype(np.float32)
        return with_tensors(feature_store_pb.GetItemsResponse(), features=np.repeat(rows[:, np.newaxis], 3, axis=1))

    suite.neighbours.behaviours["GetItems"] = once
    explained = await suite.explain("item-00049", max_results=3)
    assert [one.stage for one in explained.degradations] == [pb.STAGE_CANDIDATE_FEATURES]
    assert of(explained, "new").objectives[0].score == 35.0
    assert list(of(explained, "item-00049").objectives) == []
