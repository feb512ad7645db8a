"""What is left after each stage of the funnel, by hand."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from services.cli.report_page.channels import describe_channels
from services.cli.report_page.searching import Searched
from services.cli.report_page.stages import MISSED, Ranks, offline_stage, stages, stages_verdict
from services.cli.report_page.training_report import TrainingReport

TARGETS = np.array([1, 2, 3, 4])
#: Both channels find the first person's item, one alone the second's and the other alone the third's.
A = np.array([[1, 5], [2, 5], [6, 5], [6, 5]])
B = np.array([[1, 7], [8, 7], [3, 7], [8, 7]])


def searched() -> Searched:
    """Two channels with lists of two."""
    lists = {"a": A, "b": B}
    index = {"a": np.array([[5, 6], [2, 5], [6, 5], [6, 5]]), "b": B}
    return Searched({"a": 1.0, "b": 1.0}, {}, lists, index, size=2)


def ranks(**given: NDArray[np.int64]) -> Ranks:
    """The ranks after each stage; where nothing is given everybody's item is first."""
    names = ("merged", "merged_index", "retrieved", "retrieved_ranked", "offline", "served")
    return Ranks(**{name: given.get(name, np.ones(4, dtype=np.int64)) for name in names})


def test_exact_search_counts_whom_any_channel_finds() -> None:
    """Three of four; through the index the first is found by one channel still."""
    found = stages(searched(), TARGETS, ranks())
    assert [(one.name, one.candidates, one.hit_rate) for one in found[:2]] == [
        ("Exact search", 0.75, None),
        ("Annoy", 0.75, None),
    ]


def test_later_stages_count_their_own_lists() -> None:
    """A list of two candidates, of a hundred, and of ten: what is beyond is lost to each."""
    found = stages(
        searched(), TARGETS, ranks(merged_index=np.array([1, 2, 3, MISSED]), served=np.array([1, 50, 10, MISSED]))
    )
    merge, served = found[2], found[-1]
    assert (merge.name, merge.candidates, merge.hundred, merge.hit_rate) == ("Quotas and merge", 0.5, 0.75, 0.75)
    assert (served.name, served.candidates, served.hundred, served.hit_rate) == ("Served", None, 0.75, 0.5)
    assert [one.name for one in found[3:5]] == ["Recall as served", "Ranking"]
    assert offline_stage(ranks(), 2).hit_rate == 1.0


def test_the_verdict_names_the_two_places_where_served_and_offline_part() -> None:
    """Offline finds four, recall's candidates allow three, and the gateway shows two."""
    verdict = stages_verdict(
        ranks(retrieved_ranked=np.array([1, 1, 1, MISSED]), served=np.array([1, 1, MISSED, MISSED]))
    )
    assert "served is 50.0% below offline (0.5000 and 1.0000)" in verdict
    assert "Of the difference of \N{MINUS SIGN}0.5000, \N{MINUS SIGN}0.2500 is because recall" in verdict
    assert "and \N{MINUS SIGN}0.2500 is from what the gateway does" in verdict


def test_where_nothing_is_lost_the_verdict_says_so() -> None:
    """And gives no differences of zero."""
    assert stages_verdict(ranks()).endswith("Nothing is lost between the two.")


def test_what_a_channel_adds_is_what_is_lost_without_it() -> None:
    """With two places and equal quotas each channel's first item is in the list: all four are found, by b alone three."""
    lists = {"a": A, "b": np.array([[1, 7], [8, 7], [3, 7], [4, 7]])}
    report = TrainingReport(configuration={"channels.a.model": "ease"})
    a, b = describe_channels(Searched({"a": 1.0, "b": 1.0}, {}, lists, lists, size=2), TARGETS, {"a": 0.1}, report)
    assert (a.alone, b.alone) == (0.5, 0.75)
    assert (a.adds, b.adds) == (0.25, 0.5)
    assert (a.quota, a.model, a.index_loss) == (0.5, "ease", 0.1)
    assert (b.quota, b.model, b.index_loss) == (0.5, "", None)
