"""Figures of a page with everything that is awkward: markup in titles, nothing to say, very long words."""

from __future__ import annotations

from services.cli.report_page.figures import (
    Calibration,
    CalibrationBin,
    Channel,
    Curve,
    CurvePoint,
    Figures,
    Headline,
    ItemMap,
    ListQuality,
    MapPoint,
    Part,
    Parts,
    Provenance,
    Recall,
    Stage,
)
from services.cli.report_page.people import Example, Recommended, ShownItem
from services.training.metrics import Interval

MARKUP = "<script>alert('x')</script> & \"Sons\""
LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
#: A picture of one pixel.
PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="


def sample() -> Figures:
    """Returns the figures."""
    return Figures(
        summary=f"Of 100 people {MARKUP}.",
        provenance=_provenance(),
        headlines=tuple(_headline(name) for name in ("HR@10", "NDCG@10", "MRR@10")),
        hit_rates=(_curve("served", band=0.02), _curve("offline"), _curve("popularity")),
        gains=(_curve("served", band=0.02), _curve("offline"), _curve("popularity")),
        training=(Curve("ranker", tuple(CurvePoint(x, x / 10, x / 10, x / 10) for x in (1, 2, 3))),),
        recall=Recall(
            500,
            (_curve("merged"), _curve("collaborative_with_a_long_name"), _curve("popularity")),
            (
                Channel("collaborative_with_a_long_name", "sasrec", 0.8, 0.7, 0.2, 0.01),
                Channel("popularity", "popularity", 0.2, 0.5, -0.01, None),
            ),
        ),
        stages=(
            Stage("Exact search", "any channel", candidates=0.9),
            Stage("Served", "real calls", hundred=0.6, hit_rate=0.2, ndcg=0.1),
            Stage("Offline, same people", "for comparison", 0.9, 0.6, 0.2, 0.1),
        ),
        stages_verdict="Nothing is lost.",
        calibration=Calibration(
            90,
            0.01,
            (CalibrationBin(0.001, 0.0, 0.0, 0.003, 9.1, 0, 9000), CalibrationBin(0.3, 0.25, 0.1, 0.4, 9, 8, 30)),
        ),
        parts=(Parts("Gender", tuple(Part(name, 50, _interval(0.2), _interval(0.1)) for name in (LONG, MARKUP))),),
        lists=(ListQuality("Coverage", "share of the catalogue", "share", 0.4, 0.1),),
        item_map=ItemMap("content", 8, 0.5, (MARKUP, "others"), _points()),
        examples=(_example(place=2), _example(place=0)),
    )


def _provenance() -> Provenance:
    return Provenance(
        dataset=LONG,
        sizes={"items": 1000, "users": 200, "events": 30_000},
        snapshot_id="20260101T000000Z-abcdef",
        created="2026-01-01T00:00:00Z",
        measured="2026-01-02",
        command="winnow evaluate --data books --users 100 --seed 0",
        users=100,
        able=190,
        seed=0,
        resamples=1000,
        degraded=3,
        versions={"winnow": "0.1.0"},
        configuration={"ranker.hidden": "[128, 64]", "seed": 0},
    )


def _headline(name: str) -> Headline:
    return Headline(name, "what it says", _interval(0.2), _interval(0.05), 0.2, None, "4 times popularity.")


def _interval(mean: float) -> Interval:
    return Interval(mean - 0.05, mean, mean + 0.05)


def _curve(name: str, band: float = 0.0) -> Curve:
    return Curve(name, tuple(CurvePoint(k, k / 500, k / 500 - band, k / 500 + band) for k in (1, 10, 100, 500)))


def _points() -> tuple[MapPoint, ...]:
    return tuple(MapPoint(x / 10, -x / 7 % 1, f"{MARKUP} {x}", x % 2, 100 - x) for x in range(30))


def _item(number: int, title: str = "A title") -> ShownItem:
    return ShownItem(f"item-{number}", title, ("Drama", "Comedy"))


def _example(place: int) -> Example:
    return Example(
        user_id=MARKUP,
        attributes=("age: 33", f"name: {MARKUP}"),
        met=57,
        history=(_item(1, LONG), _item(2, MARKUP)),
        target=_item(3),
        place=place,
        fate=f"recommended in place {place}" if place else "no channel found it",
        recommended=tuple(
            Recommended(
                _item(place_of + 1, MARKUP),
                place_of,
                0,
                ("collaborative",) if place_of > 1 else (),
                1.5,
                {"baseline": 1.0, "user_features": 0.1, "history": 0.5, "item_features": -0.1} if place_of > 1 else {},
                (LONG, MARKUP) if place_of > 1 else (),
                place_of == place,
            )
            for place_of in range(1, 11)
        ),
    )
