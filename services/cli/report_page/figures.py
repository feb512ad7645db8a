"""The figures of the report page, as values: what the page shows, and what the JSON beside it holds."""

from dataclasses import dataclass

from services.cli.report_page.people import Example
from services.training.metrics import Interval


@dataclass(frozen=True)
class Headline:
    """One metric of the served answers, beside what it is to be compared with.

    Attributes:
        metric: Its name, such as `HR@10`.
        meaning: What it says, in words.
        served: Mean over users, through the gateway.
        popularity: The same for the most frequent items that each user has not seen.
        offline: The same funnel computed from the snapshot's files, on the same users.
        reported: What training's report says of all test users; None where it does not say.
        verdict: What to make of it, in a sentence.
    """

    metric: str
    meaning: str
    served: Interval
    popularity: Interval
    offline: float
    reported: float | None
    verdict: str


@dataclass(frozen=True)
class CurvePoint:
    """A point of a curve. `low` and `high` bound the 95 % interval, and are the value itself where there is none."""

    x: float
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Curve:
    """A named line through points of rising x."""

    name: str
    points: tuple[CurvePoint, ...]


@dataclass(frozen=True)
class Channel:
    """A recall channel on the users that were asked about.

    Attributes:
        name: In the snapshot.
        model: What training says it is; empty where it does not say.
        quota: Its share of the candidates, of 1.
        alone: Share of users whose item is among the candidates of this channel alone.
        adds: Share of users whose item is among the merged candidates only because of it.
        index_loss: Share of exact search's nearest 200 that its index does not find; None where it has no index.
    """

    name: str
    model: str
    quota: float
    alone: float
    adds: float
    index_loss: float | None


@dataclass(frozen=True)
class Recall:
    """How much of what came next recall finds.

    Attributes:
        candidates: The length of the merged list.
        curves: recall@k of each channel by exact search, and after the merge.
        channels: In the order of the snapshot.
    """

    candidates: int
    curves: tuple[Curve, ...]
    channels: tuple[Channel, ...]


@dataclass(frozen=True)
class Stage:
    """What is left after a stage of the funnel, as means over the same users; None where it does not apply.

    Attributes:
        name: Of the stage.
        meaning: What was computed, and how.
        candidates: Share of users whose item is among the candidates.
        hundred: Share of users whose item is among the first hundred, in the stage's order.
        hit_rate: HR@10 in the stage's order.
        ndcg: NDCG@10 in the stage's order.
    """

    name: str
    meaning: str
    candidates: float | None = None
    hundred: float | None = None
    hit_rate: float | None = None
    ndcg: float | None = None


@dataclass(frozen=True)
class CalibrationBin:
    """Candidates of about the same probability.

    Attributes:
        predicted: Their mean probability.
        observed: The share of them that came next.
        low: Lower end of the 95 % interval of `observed`.
        high: Upper end.
        expected_hits: How many should have come next: the sum of the probabilities.
        hits: How many did.
        candidates: How many there are.
    """

    predicted: float
    observed: float
    low: float
    high: float
    expected_hits: float
    hits: int
    candidates: int


@dataclass(frozen=True)
class Calibration:
    """Whether the ranker's scores, as probabilities, mean what they say.

    Attributes:
        lists: How many lists of candidates hold what came next; the others say nothing of this.
        expected_error: Mean distance of predicted and observed, weighted by expected hits.
        bins: By rising probability, each expecting about as many hits.
    """

    lists: int
    expected_error: float
    bins: tuple[CalibrationBin, ...]


@dataclass(frozen=True)
class Part:
    """Some of the users."""

    name: str
    users: int
    hit_rate: Interval
    ndcg: Interval


@dataclass(frozen=True)
class Parts:
    """The users divided by one thing that is known of them."""

    by: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class ListQuality:
    """What lists of ten are like apart from being right."""

    metric: str
    meaning: str
    unit: str
    served: float
    popularity: float


@dataclass(frozen=True)
class MapPoint:
    """An item on the map. `category` is a place in `ItemMap.categories`."""

    x: float
    y: float
    title: str
    category: int
    events: int


@dataclass(frozen=True)
class ItemMap:
    """The items as the model sees them: vectors, reduced to a plane.

    Attributes:
        channel: Whose vectors.
        dimension: Of the vectors.
        explained: Share of their variance that the two axes hold.
        categories: The most frequent first categories, and what stands for all others.
        points: The most met items, most met first.
    """

    channel: str
    dimension: int
    explained: float
    categories: tuple[str, ...]
    points: tuple[MapPoint, ...]


@dataclass(frozen=True)
class Provenance:
    """How it was measured; nothing of it depends on the machine.

    Attributes:
        dataset: Name of the data set.
        sizes: Of the data set, by name.
        snapshot_id: What was evaluated.
        created: When that was made, RFC 3339.
        measured: The day of the evaluation, ISO 8601.
        command: What repeats it, for who has the data set and the snapshot.
        users: How many users were asked about.
        able: How many could have been.
        seed: Of the draw.
        resamples: Of each interval.
        degraded: Answers that did without something.
        versions: Of what trained and what evaluated, by package.
        configuration: Every choice of training, by dotted name.
    """

    dataset: str
    sizes: dict[str, int]
    snapshot_id: str
    created: str
    measured: str
    command: str
    users: int
    able: int
    seed: int
    resamples: int
    degraded: int
    versions: dict[str, str]
    configuration: dict[str, str | int | float | bool]


@dataclass(frozen=True)
class Figures:
    """Everything that the page shows but the pictures of items."""

    summary: str
    provenance: Provenance
    headlines: tuple[Headline, ...]
    hit_rates: tuple[Curve, ...]
    gains: tuple[Curve, ...]
    training: tuple[Curve, ...]
    recall: Recall
    stages: tuple[Stage, ...]
    stages_verdict: str
    calibration: Calibration | None
    parts: tuple[Parts, ...]
    lists: tuple[ListQuality, ...]
    item_map: ItemMap | None
    examples: tuple[Example, ...]
