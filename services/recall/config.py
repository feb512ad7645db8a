"""Settings of recall."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.recall.search_depth import DEFAULT_TARGET
from shared.config import GrpcPort, MetricsPort, OwnLinks, WorkerSettings


class RecallSettings(WorkerSettings):
    """What recall can be told."""

    model_config = SettingsConfigDict(env_prefix="RECALL_")

    port: GrpcPort = 50053
    metrics_port: MetricsPort = 9103
    links: OwnLinks = ""
    threads: int = Field(
        default=0, ge=0, le=1024, description="Threads that encode and search; 0 takes as many as the CPU quota allows."
    )
    channel_timeout_ms: int = Field(
        default=200, ge=1, description="A channel that takes longer, in milliseconds, is done without in that answer."
    )
    target: float = Field(
        default=DEFAULT_TARGET,
        gt=0,
        le=1,
        description="Share of exact search's candidates that a search through Annoy should find on average; 1 is all.",
    )
    feature_store_target: str = Field(
        default="localhost:50052", min_length=1, description="gRPC target of the feature store, for changes of items."
    )
    item_poll_seconds: float = Field(
        default=0.5, gt=0, le=3600, description="How often to ask the feature store which items changed."
    )
    learn_from_histories: bool = Field(
        default=True,
        description="Place new items also by what the users who took them took beside them; without it by words alone.",
    )
    audit_rate: float = Field(
        default=0.001,
        ge=0,
        le=1,
        description="Share of queries that are searched again exactly, after the answer, to measure recall; 0 is off.",
    )
