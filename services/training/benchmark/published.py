"""Published figures on the same splits, and what is demanded of ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from services.training.benchmark.protocol import DataSize

# A folder may be called anything: figures are compared only where the data are those they were published for, told by how
# many items and events they have.
_DATA_SETS: Mapping[tuple[int, int], str] = {
    (3_416, 999_608): "ml-1m",
    (12_101, 198_502): "beauty",
    (40_981, 1_027_370): "gowalla",
    (1_682, 100_000): "ml-100k",
    (4_082, 289_394): "frappe",
}


@dataclass(frozen=True, slots=True)
class Bars:
    """What is demanded of the best model of a protocol, by metric.

    Attributes:
        gate: Short of it, a model or the protocol is wrong.
        target: What we are after.
        record: The best that is known; empty where it is on another split.
    """

    gate: Mapping[str, float]
    target: Mapping[str, float]
    record: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Published:
    """A figure that somebody reported.

    Attributes:
        model: The name of the same model here, or what it would be.
        label: What the source calls it.
        values: By metric.
        source: Where it stands.
    """

    model: str
    label: str
    values: Mapping[str, float]
    source: str


_NCF = "Rendle, Krichene, Zhang & Anderson, RecSys 2020, on the split of He et al., WWW 2017"
_NEXT = "Klenitskiy & Vasilev, RecSys 2023"
_GOWALLA = "BARS, SIGIR 2022, on the split of He et al., SIGIR 2020 (LightGCN)"
_BEAUTY = "Zhou et al., CIKM 2020 (S3-Rec), with full ranking"
_FRAPPE = "BARS, SIGIR 2022"


def _pair(names: tuple[str, str], values: tuple[float, float]) -> Mapping[str, float]:
    return dict(zip(names, values, strict=True))


_AT_10 = ("hr@10", "ndcg@10")
_AT_20 = ("recall@20", "ndcg@20")

_BARS: Mapping[tuple[str, str], Bars] = {
    ("ncf", "ml-1m"): Bars(_pair(_AT_10, (0.71, 0.44)), _pair(_AT_10, (0.730, 0.447)), _pair(_AT_10, (0.7294, 0.4523))),
    ("next-item", "ml-1m"): Bars(
        _pair(_AT_10, (0.250, 0.134)), _pair(_AT_10, (0.315, 0.182)), _pair(_AT_10, (0.3159, 0.1857))
    ),
    ("next-item", "beauty"): Bars(
        _pair(_AT_10, (0.0605, 0.0318)), _pair(_AT_10, (0.065, 0.038)), _pair(_AT_10, (0.0648, 0.0384))
    ),
    ("top-n", "gowalla"): Bars(
        _pair(_AT_20, (0.1830, 0.1554)), _pair(_AT_20, (0.1872, 0.158)), _pair(_AT_20, (0.1920, 0.1597))
    ),
    ("ctr", "frappe"): Bars({"auc": 0.978}, {"auc": 0.984}, {"auc": 0.9861}),
    # The best that is known, .905, is on another split (u1) and knows more than the ratings.
    ("rating", "ml-100k"): Bars({"rmse": 0.94}, {"rmse": 0.92}, {}),
}

_PUBLISHED: Mapping[tuple[str, str], tuple[Published, ...]] = {
    ("ncf", "ml-1m"): (
        Published("popularity", "popularity", _pair(_AT_10, (0.4535, 0.2543)), _NCF),
        Published("slim", "SLIM", _pair(_AT_10, (0.7162, 0.4468)), _NCF),
        Published(
            "ease",
            "a closed-form linear model",
            _pair(_AT_10, (0.7172, 0.4490)),
            "a run of EASE on this split, before Winnow had it",
        ),
        Published("ials", "iALS", _pair(_AT_10, (0.7111, 0.4383)), _NCF),
        Published("neumf", "NeuMF", _pair(_AT_10, (0.730, 0.447)), _NCF),
        Published("mf", "tuned MF dot product", _pair(_AT_10, (0.7294, 0.4523)), _NCF),
    ),
    ("next-item", "ml-1m"): (
        Published("sasrec", "SASRec as published", _pair(_AT_10, (0.250, 0.134)), _NEXT),
        Published("sasrec", "SASRec with cross-entropy", _pair(_AT_10, (0.315, 0.182)), _NEXT),
    ),
    ("next-item", "beauty"): (
        Published("gru4rec", "GRU4Rec", _pair(_AT_10, (0.0283, 0.0137)), _BEAUTY),
        Published("sasrec", "SASRec", _pair(_AT_10, (0.0605, 0.0318)), _BEAUTY),
    ),
    ("top-n", "gowalla"): (
        Published("item_to_item", "ItemCF", _pair(_AT_20, (0.1570, 0.1214)), _GOWALLA),
        Published("bpr", "BPR", _pair(_AT_20, (0.1627, 0.1378)), _GOWALLA),
        Published("mult_vae", "Mult-VAE", _pair(_AT_20, (0.1641, 0.1335)), _GOWALLA),
        Published("two_tower", "a YouTube-style DNN", _pair(_AT_20, (0.1754, 0.1473)), _GOWALLA),
        Published("ease", "EASE", _pair(_AT_20, (0.1765, 0.1467)), _GOWALLA),
        Published("lightgcn", "LightGCN", _pair(_AT_20, (0.1830, 0.1554)), _GOWALLA),
        Published("spectral", "GF-CF", _pair(_AT_20, (0.1849, 0.1518)), _GOWALLA),
    ),
    ("ctr", "frappe"): (
        Published("fm", "FM", {"auc": 0.978}, _FRAPPE),
        Published("deepfm", "DeepFM", {"auc": 0.984}, _FRAPPE),
        Published("mlp", "DNN", {"auc": 0.984}, _FRAPPE),
    ),
}


def data_set_of(size: DataSize) -> str | None:
    """Returns the name of the published data set that has this size, or None."""
    return _DATA_SETS.get((size.items, size.events))


def bars(protocol: str, data_set: str | None) -> Bars | None:
    """Returns what is demanded, or None where nothing is published on such data."""
    return None if data_set is None else _BARS.get((protocol, data_set))


def published(protocol: str, data_set: str | None, model: str | None = None) -> Iterator[Published]:
    """Yields the figures of all models, or of one."""
    for one in () if data_set is None else _PUBLISHED.get((protocol, data_set), ()):
        if model is None or one.model == model:
            yield one


def cells() -> Iterator[tuple[str, str]]:
    """Yields each protocol and data set that something is demanded on, in the order of the table."""
    yield from _BARS


def smaller_is_better(metric: str) -> bool:
    """Returns whether the metric is an error."""
    return metric in {"rmse", "mse", "log_loss"}


def reaches(metric: str, value: float, bar: float) -> bool:
    """Returns whether a value is at least as good as a bar."""
    return value <= bar if smaller_is_better(metric) else value >= bar
