"""A few people as examples: what they met, what they were recommended, and what came next."""

from collections.abc import Callable, Iterator

import numpy as np

from services.cli.failure import Failure
from services.cli.report_page.measurement import Measurement
from services.cli.report_page.people import Example, Recommended, ShownItem
from winnow.client import AsyncWinnowClient, ExplainResult, ItemExplanation, WinnowError

#: How many people whose next item was found, and as many for whom it was not.
OF_EACH = 2

#: How many of the newest items of a history are shown.
HISTORY = 6

RESULTS = 10

#: How many items of the history are named as reasons.
REASONS = 2

_TIMEOUT_SECONDS = 10.0

_FATES = {
    "not_found": "no channel found it",
    "not_ranked": "it was found, but more candidates stood before it than are ranked",
}


async def examples(measured: Measurement, gateway: str, advance: Callable[[int], None]) -> tuple[Example, ...]:
    """Returns people drawn at random, half of them such whose next item was among the ten, with the gateway's explanations.

    Args:
        measured: The users and their answers.
        gateway: Where the gateway listens.
        advance: Is told how many examples more there are.

    Raises:
        Failure: the gateway cannot be asked.
    """
    found = []
    try:
        async with AsyncWinnowClient(gateway, timeout=_TIMEOUT_SECONDS) as client:
            for user in chosen(measured):
                explained = await client.explain(
                    measured.questions.user_ids[user],
                    max_results=RESULTS,
                    untracked=True,
                    item_ids=[measured.questions.target_ids[user]],
                )
                found.append(_example(measured, user, explained))
                advance(1)
    except WinnowError as error:
        raise Failure(f"The gateway at {gateway} failed: {error.message} ({error.code.name}).") from error
    return tuple(found)


def chosen(measured: Measurement) -> list[int]:
    """Returns whom to show: `OF_EACH` whose next item was among the ten and as many others, in turn, by the seed."""
    draw = np.random.default_rng(measured.seed)
    among = measured.answers.ranks <= RESULTS
    hits, misses = (draw.permutation(np.flatnonzero(which)).tolist() for which in (among, ~among))
    both = [user for pair in zip(hits[:OF_EACH], misses[:OF_EACH], strict=False) for user in pair]
    # Where there are too few of one kind, the other fills up.
    rest = [user for user in (*hits, *misses) if user not in both]
    return [*both, *rest[: 2 * OF_EACH - len(both)]]


def _example(measured: Measurement, user: int, explained: ExplainResult) -> Example:
    questions = measured.questions
    history = questions.histories[user]
    shown = {one.item_id: one for one in explained.items if one.place}
    target = int(questions.targets[user])
    target_id = questions.target_ids[user]
    return Example(
        user_id=questions.user_ids[user],
        attributes=tuple(f"{name}: {_short(value)}" for name, value in questions.attributes[user].items()),
        met=len(history),
        history=tuple(_item(measured, row) for row in history[::-1][:HISTORY].tolist()),
        target=_item(measured, target),
        place=shown[target_id].place if target_id in shown else 0,
        fate=_fate(explained, target_id),
        recommended=tuple(_recommended(shown, explained, target_id)),
    )


def _recommended(shown: dict[str, ItemExplanation], explained: ExplainResult, target: str) -> Iterator[Recommended]:
    for place, item in enumerate(explained.response.items, start=1):
        told = shown.get(item.item_id)
        yield Recommended(
            item=ShownItem(item.item_id, item.title, item.categories),
            place=place,
            recall_place=told.recall_place if told else 0,
            channels=tuple(hit.channel for hit in item.channels),
            score=item.score,
            contributions=_contributions(told) if told else {},
            because=tuple(reason.title for reason in told.because[:REASONS]) if told else (),
            hit=item.item_id == target,
        )


def _contributions(told: ItemExplanation) -> dict[str, float]:
    """Returns what adds up to the score: the sums over the objectives."""
    totals: dict[str, float] = {}
    for one in told.objectives:
        totals["baseline"] = totals.get("baseline", 0.0) + one.baseline
        for group, value in one.contributions.items():
            totals[group] = totals.get(group, 0.0) + value
    return totals


def _fate(explained: ExplainResult, target: str) -> str:
    told = next((one for one in explained.items if one.item_id == target), None)
    if told is None:
        return "the gateway does not say what became of it"
    if told.place:
        return f"recommended in place {told.place}"
    if told.removed_by:
        return f"the filter '{told.removed_by}' removed it"
    if told.score_place:
        where = f"place {told.recall_place} by recall, " if told.recall_place else ""
        return f"{where}place {told.score_place} by score of {explained.ranked} candidates"
    return _FATES.get(told.outcome, "others were chosen")


def _item(measured: Measurement, row: int) -> ShownItem:
    item = measured.catalogue[row]
    return ShownItem(item.id, item.title, item.categories)


def _short(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:g}"
