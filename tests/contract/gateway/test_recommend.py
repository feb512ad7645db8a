"""Recommend crosses all neighbours and answers with items, scores and where they come from."""

import numpy as np
from prometheus_client import REGISTRY

from shared.features import UserFeatureTransform
from shared.tensors import FLOAT32, UINT32, decode
from tests.contract.gateway.conftest import Suite
from tests.contract.gateway.neighbours import FOUND, answers, found_response, user_response
from winnow.gateway.v1 import gateway_service_pb2 as pb


async def test_a_whole_answer_has_ranked_items_with_provenance(suite: Suite) -> None:
    """Best score first, with title, categories, scores by objective and channels, and nothing degraded."""
    response = await suite.recommend(max_results=4)
    assert [item.item_id for item in response.items] == ["item-00040", "item-00030", "item-00020", "item-00010"]
    best = response.items[0]
    assert best.title == "Title 40"
    assert best.categories
    assert best.score == 40.5
    assert dict(best.objective_scores) == {"click": 40.0, "like": 0.5}
    assert list(best.channels) == [pb.ChannelHit(channel="two_tower", score=0.5)]
    assert not best.backfilled
    assert (response.snapshot_id, response.known_user) == ("s1", True)
    assert list(response.degradations) == []
    assert [timing.stage for timing in response.timings] == [stage for stage in pb.Stage.values() if stage]


async def test_each_neighbour_is_asked_once_and_in_order(suite: Suite) -> None:
    """Four calls, all for the same snapshot."""
    await suite.recommend()
    assert suite.neighbours.methods == ["GetUsers", "Retrieve", "GetItems", "Score"]
    assert {request.snapshot_id for _, request in suite.neighbours.calls} == {"s1"}


async def test_what_is_known_of_the_user_reaches_recall_and_ranking(suite: Suite) -> None:
    """History and features go to both; seen, session and excluded items are left out by recall already."""
    await suite.recommend(session_item_ids=["item-00004"], exclude_item_ids=["item-00005", "unknown"])
    retrieve, score = suite.neighbours.request_of("Retrieve"), suite.neighbours.request_of("Score")
    for request in (retrieve, score):
        assert decode(request.history_rows, "history_rows", UINT32, [None]).tolist() == [1, 2, 4]
        assert decode(request.history_offsets, "history_offsets", UINT32, [None]).tolist() == [0, 3]
        assert decode(request.user_features, "user_features", FLOAT32, [1, None]).any() == np.False_
    excluded = decode(retrieve.excluded_rows, "excluded_rows", UINT32, [None])
    assert sorted(excluded.tolist()) == [1, 2, 3, 4, 5]
    assert decode(score.candidate_rows, "candidate_rows", UINT32, [None]).tolist() == list(FOUND)
    assert decode(score.written_places, "written_places", UINT32, [None]).tolist() == list(range(len(FOUND)))
    features = decode(score.written_features, "written_features", FLOAT32, [len(FOUND), 3])
    assert features[:, 0].tolist() == list(FOUND)


async def test_attributes_that_the_schema_declares_reach_the_feature_store(suite: Suite) -> None:
    """With their types; what no model knows stays here."""
    attributes = {
        "gender": pb.AttributeValue(text="F"),
        "age": pb.AttributeValue(number=30.0),
        "shoe_size": pb.AttributeValue(number=42.0),
    }
    await suite.recommend(user_attributes=attributes)
    (user,) = suite.neighbours.request_of("GetUsers").users
    assert user.user_id == "ann"
    assert set(user.attributes) == {"gender", "age"}
    assert user.attributes["gender"].text == "F"
    assert user.attributes["age"].number == 30.0


async def test_attributes_of_nobody_become_features_here(suite: Suite) -> None:
    """Without a user there is nothing to read, and the manifest's schema says what attributes mean."""
    await suite.recommend(user_id="", user_attributes={"gender": pb.AttributeValue(text="F")})
    features = decode(suite.neighbours.request_of("Retrieve").user_features, "user_features", FLOAT32, [1, None])
    transform = UserFeatureTransform(suite.neighbours.manifest.feature_schema.user_fields)
    assert features[0].tolist() == transform({"gender": "F"}).tolist()
    assert "GetUsers" not in suite.neighbours.methods


async def test_filters_hold_for_candidates_and_for_what_fills_up(suite: Suite) -> None:
    """Every item has one of the languages, and there are as many as asked for."""
    catalogue = suite.gateway.agreement.active.catalogue
    french = pb.AttributeFilter(field="language", any_of=["fr"])
    response = await suite.recommend(filters=[french], max_results=8)
    assert len(response.items) == 8
    for item in response.items:
        row = catalogue.row_of(item.item_id)
        assert row is not None
        assert catalogue[row].attributes["language"] == "fr"
    assert any(item.backfilled for item in response.items)


async def test_seen_items_come_back_when_asked_for_disliked_ones_too(suite: Suite) -> None:
    """A disliked item is seen and in no history: recall may find it again, and it passes the filters."""
    suite.neighbours.behaviours["Retrieve"] = answers(found_response(3, 2, 1))
    again = await suite.recommend(include_seen=True, max_results=3)
    assert [item.item_id for item in again.items] == ["item-00003", "item-00002", "item-00001"]
    assert decode(suite.neighbours.request_of("Retrieve").excluded_rows, "excluded_rows", UINT32, [None]).size == 0
    without = await suite.recommend(max_results=3)
    assert not {item.item_id for item in again.items} & {item.item_id for item in without.items}


async def test_an_unknown_user_is_told_from_a_known_one(suite: Suite) -> None:
    """The feature store's word is passed on."""
    suite.neighbours.behaviours["GetUsers"] = answers(user_response((), (), known=np.zeros(1, np.uint8)))
    assert not (await suite.recommend(user_id="stranger")).known_user


async def test_answers_of_both_kinds_are_counted(suite: Suite) -> None:
    """Operators see how many answers went out, and how many of them were degraded."""

    def answered() -> float:
        return REGISTRY.get_sample_value("winnow_gateway_answers_total", {"degraded": "false"}) or 0.0

    before = answered()
    await suite.recommend()
    await suite.stub.RecommendSimilar(pb.RecommendSimilarRequest(item_id="item-00010"), timeout=60)
    assert answered() - before == 2


async def test_a_request_without_a_deadline_is_answered(suite: Suite) -> None:
    """The server's own deadline takes its place."""
    response = await suite.stub.Recommend(pb.RecommendRequest(user_id="ann"))
    assert len(response.items) == 10
    assert list(response.degradations) == []
