"""A small catalogue and neighbours in memory: real implementations of the Protocols, told what to answer."""
# ruff: noqa: ARG002 - a fake takes all that its Protocol gives, and looks at what it needs

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.gateway.candidates import Candidates, Rows
from services.gateway.degradation import NeighbourFailed, Reason, Stage
from services.gateway.inspection import ItemFeatures, ItemStates, ScoringQuery
from services.gateway.neighbours import Erased, Recorded, Retrieved, User, ValueState, WrittenFeatures
from services.gateway.pipeline import PipelineLimits, RecommendPipeline
from services.gateway.query import Event
from services.gateway.snapshot import GatewaySnapshot
from shared.features import AttributeValue, UserField
from shared.snapshot.catalogue import Catalogue, CatalogueItem
from shared.snapshot.manifest import FORMAT_VERSION, ChannelEntry, FeatureSchema, Manifest, RankerEntry

OBJECTIVES = ("click", "like")
CHANNELS = ("two_tower", "content")
ITEM_FEATURES = ("popularity", "recency")
MAX_HISTORY = 4

#: Enough for every stage: a fake answers at once.
BUDGETS = dict.fromkeys((Stage.USER_FEATURES, Stage.RECALL, Stage.CANDIDATE_FEATURES, Stage.RANKING), 1.0)
LIMITS = PipelineLimits(BUDGETS)


def rows(*values: int) -> Rows:
    """Returns rows as they travel."""
    return np.array(values, dtype=np.uint32)


def snapshot_of(items: Sequence[CatalogueItem], snapshot_id: str = "snapshot-1") -> GatewaySnapshot:
    """Returns a snapshot of these items, the first the most popular."""
    manifest = Manifest(
        format_version=FORMAT_VERSION,
        id=snapshot_id,
        created="2026-01-01T00:00:00Z",
        dataset="fake",
        items=len(items),
        max_history=MAX_HISTORY,
        feature_schema=FeatureSchema((UserField("country", "categorical", ("NO", "FR")),), ITEM_FEATURES),
        channels=tuple(ChannelEntry(name=name, kind="popularity", quota=1.0) for name in CHANNELS),
        ranker=RankerEntry("ranker/model.onnx"),
        objectives=OBJECTIVES,
        files=(),
    )
    popularity = np.arange(len(items), 0, -1, dtype=np.float32)
    return GatewaySnapshot(manifest, Catalogue(items), popularity)


def plain_items(count: int) -> list[CatalogueItem]:
    """Returns items `i0`, `i1`, … whose category is `even` or `odd` and whose year is 2000 and the row."""
    return [
        CatalogueItem(f"i{row}", f"Title {row}", ("odd" if row % 2 else "even",), {"year": 2000.0 + row})
        for row in range(count)
    ]


class FakeClock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Returns the time, in seconds."""
        return self.now


@dataclass
class Failing:
    """A neighbour that can be told to fail.

    Attributes:
        failure: Why every call fails; None to answer.
    """

    failure: Reason | None = None

    def answer_or_fail(self) -> None:
        """Raises what the neighbour was told to fail with."""
        if self.failure is not None:
            raise NeighbourFailed(self.failure)


@dataclass
class FakeFeatureStore(Failing):
    """Remembers users in a dictionary; an item's features are its row, twice.

    Attributes:
        history: Rows by user, oldest first.
        seen: Rows by user.
        item_failure: Why reading item features fails; `failure` is for users and events alone.
        storage_full: Whether a failure is for want of room.
        users_asked: The ids of the users that were read.
        states_asked: For each of them, whether it was asked whence the values are.
        items_asked: The rows whose features were read last.
        events: What was recorded.
    """

    history: dict[str, Rows] = field(default_factory=dict)
    seen: dict[str, Rows] = field(default_factory=dict)
    item_failure: Reason | None = None
    storage_full: bool = False
    users_asked: list[str] = field(default_factory=list)
    states_asked: list[bool] = field(default_factory=list)
    items_asked: Rows | None = None
    events: list[Event] = field(default_factory=list)

    async def get_user(
        self,
        snapshot: GatewaySnapshot,
        user_id: str,
        attributes: Mapping[str, AttributeValue],
        budget: float,
        states: bool = False,
    ) -> User:
        """Returns what was put in the dictionaries."""
        self.states_asked.append(states)
        self.users_asked.append(user_id)
        self.answer_or_fail()
        known = user_id in self.history
        features = snapshot.user_features(attributes)
        return User(features, self.history.get(user_id, rows()), self.seen.get(user_id, rows()), known)

    async def get_written_features(self, snapshot: GatewaySnapshot, rows: Rows, budget: float) -> WrittenFeatures:
        """Returns each row, once for each feature, as written over those of all items."""
        return WrittenFeatures.of_all(await self.get_item_features(snapshot, rows, budget))

    async def get_item_features(self, snapshot: GatewaySnapshot, rows: Rows, budget: float) -> NDArray[np.float32]:
        """Returns each row, once for each feature."""
        if self.item_failure is not None:
            raise NeighbourFailed(self.item_failure)
        self.items_asked = rows
        return np.repeat(rows.astype(np.float32)[:, np.newaxis], len(ITEM_FEATURES), axis=1)

    async def inspect_items(self, snapshot: GatewaySnapshot, rows: Rows, budget: float) -> ItemFeatures:
        """Returns the same features, all of them written a minute ago."""
        features = await self.get_item_features(snapshot, rows, budget)
        width = len(ITEM_FEATURES)
        states = ItemStates([[ValueState.PRESENT] * width] * len(rows), [[60] * width] * len(rows))
        return ItemFeatures(features, states)

    async def record_events(self, events: Sequence[Event], budget: float) -> Recorded:
        """Keeps the events."""
        if self.failure is not None:
            raise NeighbourFailed(self.failure, storage_full=self.storage_full)
        self.events += events
        return Recorded(len(events), 0)

    async def forget_user(self, user_id: str, budget: float) -> Erased:
        """Forgets the history."""
        if self.failure is not None:
            raise NeighbourFailed(self.failure, storage_full=self.storage_full)
        return Erased({"history": len(self.history.pop(user_id, rows())), "counters": 0}, 1_700_000_000_000)


@dataclass
class FakeRecall(Failing):
    """Finds what it was told to, best first, whatever is excluded.

    Attributes:
        found: Rows, found by the first channel with the score 1, 1/2, 1/3…
        failed_channels: As in the answer.
        user: Whom candidates were last found for.
        excluded: What was to be left out.
        asked: How many candidates were asked for.
    """

    found: Rows = field(default_factory=rows)
    failed_channels: tuple[str, ...] = ()
    user: User | None = None
    excluded: Rows | None = None
    asked: int = 0

    async def retrieve(
        self, snapshot: GatewaySnapshot, user: User, excluded: Rows, max_candidates: int, budget: float
    ) -> Retrieved:
        """Returns the rows it was told."""
        self.user, self.excluded, self.asked = user, excluded, max_candidates
        return self._answer()

    async def retrieve_similar(
        self, snapshot: GatewaySnapshot, row: int, max_candidates: int, budget: float
    ) -> Retrieved:
        """Returns the rows it was told."""
        self.asked = max_candidates
        return self._answer()

    def _answer(self) -> Retrieved:
        self.answer_or_fail()
        count = len(self.found)
        scores = np.zeros((count, len(CHANNELS)), dtype=np.float32)
        scores[:, 0] = 1.0 / np.arange(1, count + 1)
        candidates = Candidates(self.found, np.ones(count, dtype=np.uint32), scores, CHANNELS)
        return Retrieved(candidates, self.failed_channels)


@dataclass
class FakeRanking(Failing):
    """Scores an item by its row: `click` is the row, `like` minus twice the row, unless told otherwise.

    Attributes:
        scores: By row; [click, like].
        user: Whom candidates were last scored for.
        ranked: The rows that were scored last.
    """

    scores: dict[int, tuple[float, float]] = field(default_factory=dict)
    user: User | None = None
    ranked: Rows | None = None

    async def score(
        self, snapshot: GatewaySnapshot, user: User, rows: Rows, written: WrittenFeatures | None, budget: float
    ) -> NDArray[np.float32]:
        """Returns the scores of the rows."""
        self.answer_or_fail()
        self.user, self.ranked = user, rows
        assert written is None or (written.features[:, 0] == rows[written.places]).all(), "features are of other rows"
        return self._scores(rows)

    async def score_all(
        self, snapshot: GatewaySnapshot, queries: Sequence[ScoringQuery], budget: float
    ) -> Sequence[NDArray[np.float32]]:
        """Returns the scores of the rows, whatever the user and the features are."""
        self.answer_or_fail()
        return [self._scores(query.rows) for query in queries]

    def _scores(self, rows: Rows) -> NDArray[np.float32]:
        return np.array([self.scores.get(row, (row, -2.0 * row)) for row in rows.tolist()], dtype=np.float32)


@dataclass
class World:
    """A pipeline and the neighbours that it asks."""

    feature_store: FakeFeatureStore = field(default_factory=FakeFeatureStore)
    recall: FakeRecall = field(default_factory=FakeRecall)
    ranking: FakeRanking = field(default_factory=FakeRanking)
    limits: PipelineLimits = LIMITS

    @property
    def pipeline(self) -> RecommendPipeline:
        """The pipeline over these neighbours."""
        return RecommendPipeline(self.feature_store, self.recall, self.ranking, self.limits)
