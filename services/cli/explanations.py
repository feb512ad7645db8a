"""An explanation as a funnel that can be read from top to bottom."""

from collections.abc import Iterator
from dataclasses import asdict

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from services.cli.output import console, print_json
from services.cli.recommendations import how_it_came_about, in_words
from services.cli.spans import span_in_words
from winnow.client import ExplainResult, FeatureValue, ItemExplanation

#: So many items of the history are named, the newest.
_MOST_NAMED = 12

_OUTCOMES = {
    "not_found": "no channel found it",
    "not_ranked": "it was found, but more candidates stood before it than are ranked",
    "not_chosen": "it was ranked, and others were chosen",
}


def show(result: ExplainResult, as_json: bool) -> None:
    """Prints the user, the channels, the filters, the items and their scores, and what was missed."""
    if as_json:
        print_json(asdict(result))
        return
    screen = console()
    _show_user(screen, result)
    _show_funnel(screen, result)
    shown = [one for one in result.items if one.place]
    if shown:
        _section(screen, "The answer", _places(shown))
        if any(one.objectives for one in shown):
            _section(screen, "What made the scores", _scores(shown))
        if any(one.because for one in shown):
            _section(screen, "What of the history speaks for them", _reasons(shown))
    for one in (one for one in result.items if not one.place):
        _show_missed(screen, one, result.ranked)
    for degradation in result.response.degradations:
        screen.print(f"\n[yellow]Degraded[/]: {escape(in_words(degradation))}")
    for degradation in result.degradations:
        screen.print(f"\n[yellow]Not explained in full[/]: {escape(in_words(degradation))}")
    screen.print()
    for line in how_it_came_about(result.response):
        screen.print(f"[dim]{escape(line)}[/]")


def _show_user(screen: Console, result: ExplainResult) -> None:
    known = "" if result.response.known_user else ", whom nobody knows yet"
    screen.print(f"[bold]The user[/]{known}")
    history = result.history_item_ids
    earlier = "… " if len(history) > _MOST_NAMED else ""
    named = f": {earlier}{', '.join(history[-_MOST_NAMED:])}" if history else ""
    screen.print(f"history of {len(history)} items{escape(named)}")
    screen.print(f"{result.seen_items} items seen")
    if result.user_features:
        screen.print(_features(result.user_features))


def _show_funnel(screen: Console, result: ExplainResult) -> None:
    channels = _table("channel", ">found", ">kept", ">shown", "")
    for channel in result.channels:
        numbers = map(str, (channel.found, channel.kept, channel.shown))
        channels.add_row(escape(channel.channel), *numbers, "[yellow]failed[/]" if channel.failed else "")
    _section(screen, "What the channels found", channels)
    filters = _table("filter", ">removed", ">left out by recall", "because")
    for step in result.filters:
        filters.add_row(step.filter, str(step.removed), str(step.left_out), escape(step.reason))
    _section(screen, "What the filters removed", filters)
    removed = sum(step.removed for step in result.filters)
    places = sum(one.place > 0 for one in result.items)
    screen.print(
        f"{result.found} candidates, {removed} of them removed: {result.found - removed} left, "
        f"{result.ranked} ranked, {places} items in the answer"
    )


def _places(items: list[ItemExplanation]) -> Table:
    table = _table(">", "item", "title", ">by recall", ">by score", ">moved", ">score", "found by")
    for one in items:
        moved = one.score_place - one.place if one.score_place else 0
        table.add_row(
            str(one.place),
            escape(one.item_id),
            escape(one.title),
            str(one.recall_place or "-"),
            str(one.score_place or "-"),
            f"{moved:+d}" if moved else "",
            f"{one.score:.3f}",
            escape(_found_by(one)),
        )
    return table


def _scores(items: list[ItemExplanation]) -> Table:
    groups = list(dict.fromkeys(name for one in items for told in one.objectives for name in told.contributions))
    table = _table("item", "objective", ">baseline", *(f">{name.replace('_', ' ')}" for name in groups), ">score")
    for one in items:
        for told in one.objectives:
            parts = [f"{told.contributions.get(name, 0.0):+.3f}" for name in groups]
            table.add_row(
                escape(one.item_id), escape(told.objective), f"{told.baseline:.3f}", *parts, f"{told.score:.3f}"
            )
    return table


def _reasons(items: list[ItemExplanation]) -> Table:
    table = _table("item", "because of", ">without it", "")
    for one in items:
        for place, reason in enumerate(one.because):
            item = "" if place else escape(one.item_id)
            table.add_row(item, escape(reason.item_id), f"{-reason.value:+.3f}", escape(reason.title))
    return table


def _show_missed(screen: Console, one: ItemExplanation, ranked: int) -> None:
    screen.print(f"\n[bold]{escape(one.item_id)}[/] {escape(one.title)} is not in the answer: {escape(_why(one))}.")
    for line in _how_far(one, ranked):
        screen.print(escape(line))
    if one.objectives:
        screen.print(_scores([one]))
    if one.because:
        screen.print(_reasons([one]))
    telling = tuple(feature for feature in one.features if feature.value or feature.state == "expired")
    if telling:
        rest = len(one.features) - len(telling)
        screen.print(_features(telling))
        if rest:
            screen.print(f"[dim]and {rest} more of value 0[/]")


def _why(one: ItemExplanation) -> str:
    if one.removed_by:
        return f"the filter {one.removed_by!r} removed it"
    return _OUTCOMES.get(one.outcome, one.outcome)


def _how_far(one: ItemExplanation, ranked: int) -> Iterator[str]:
    if one.recall_place:
        yield f"by recall it came {one.recall_place}., found by {_found_by(one)}"
    if one.score_place:
        yield f"by score it came {one.score_place}. of {ranked}, with {one.score:.3f}"
    if one.stand_in_item_ids:
        yield f"ranked as {', '.join(one.stand_in_item_ids)}"


def _found_by(one: ItemExplanation) -> str:
    return ", ".join(f"{hit.channel} {hit.score:.3g}" for hit in one.channels) or "popular (backfill)"


def _features(features: tuple[FeatureValue, ...]) -> Table:
    table = _table("feature", ">value", "state", ">age")
    for one in features:
        value = "-" if one.value is None else f"{one.value:.4g}" if isinstance(one.value, float) else one.value
        state = "" if one.state == "unspecified" else one.state
        age = "" if one.age_seconds is None else span_in_words(one.age_seconds)
        table.add_row(escape(one.name), escape(value), escape(state), age)
    return table


def _section(screen: Console, title: str, table: Table) -> None:
    screen.print(f"\n[bold]{title}[/]")
    screen.print(table)


def _table(*columns: str) -> Table:
    """Returns an empty table; columns whose name begins with ">" are aligned to the right."""
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column.removeprefix(">"), justify="right" if column.startswith(">") else "left")
    return table
