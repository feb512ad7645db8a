"""The gateway's settings."""

from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.gateway.batching import Batching
from services.gateway.degradation import Stage
from services.gateway.pipeline import PipelineLimits
from services.gateway.treatment import Policy
from shared.config import GrpcPort, LinkText, MetricsPort, WorkerSettings


class GatewaySettings(WorkerSettings):
    """What the gateway can be told."""

    model_config = SettingsConfigDict(env_prefix="GATEWAY_")

    port: GrpcPort = 50051
    metrics_port: MetricsPort = 9101

    feature_store_target: str = Field(default="localhost:50052", description="gRPC target of the feature store.")
    recall_target: str = Field(default="localhost:50053", description="gRPC target of recall.")
    ranking_target: str = Field(default="localhost:50054", description="gRPC target of ranking.")
    feature_store_links: LinkText = Field(default="", description="FEATURE_STORE_LINKS as seen from here.")
    recall_links: LinkText = Field(default="", description="RECALL_LINKS as seen from here.")
    ranking_links: LinkText = Field(default="", description="RANKING_LINKS as seen from here.")

    request_deadline_ms: float = Field(
        default=1000, gt=0, le=600_000, description="Time to answer in when the caller sets no deadline."
    )
    deadline_margin_ms: float = Field(
        default=10,
        ge=0,
        le=10_000,
        description="Time kept back from a deadline, so that a degraded answer still arrives; at most half of it.",
    )
    user_features_budget_ms: float = Field(
        default=100, gt=0, le=600_000, description="Most time to wait for a user's features."
    )
    recall_budget_ms: float = Field(default=250, gt=0, le=600_000, description="Most time to wait for candidates.")
    candidate_features_budget_ms: float = Field(
        default=100, gt=0, le=600_000, description="Most time to wait for the candidates' features."
    )
    ranking_budget_ms: float = Field(default=250, gt=0, le=600_000, description="Most time to wait for scores.")
    record_events_budget_ms: float = Field(
        default=5000, gt=0, le=600_000, description="Most time to wait until events or items are on disk."
    )
    forget_user_budget_ms: int = Field(
        default=120_000, gt=0, description="Most time to wait until a user is forgotten; the store goes on after it."
    )

    max_candidates: int = Field(default=500, ge=100, le=10_000, description="Candidates that are ranked for a request.")
    max_fetched_candidates: int = Field(
        default=2000,
        ge=100,
        le=10_000,
        description="Candidates to ask recall for when few are expected to meet the request's filters.",
    )
    diversity: float = Field(default=0.0, ge=0, le=1, description="Diversity of requests that do not say.")
    exploration: float = Field(
        default=0.0,
        ge=0,
        le=10,
        description="Temperature at which items are drawn by chance instead of the best being shown; 0 is off.",
    )
    explored_candidates: int = Field(
        default=100, ge=2, le=10_000, description="How many of the best candidates exploration draws from."
    )
    experiments: str = Field(default="", description="File of experiments (TOML), read at the start; none when empty.")

    exposure_log: Literal["on", "off"] = Field(
        default="on", description="Whether what is shown is logged through the feature store."
    )
    exposure_queue: int = Field(
        default=10_000, ge=1, description="Answers that may wait to be logged; more are dropped, and counted."
    )

    status_poll_seconds: float = Field(
        default=1.0,
        gt=0,
        le=3600,
        description="How often to ask the other services which snapshots they hold; every 0.2 s while one is away.",
    )
    item_poll_seconds: float = Field(
        default=0.5, gt=0, le=3600, description="How often to ask the feature store which items changed."
    )
    circuit_failures: int = Field(
        default=5,
        ge=1,
        description="Failures in a row after which a service is done without, until it tells its snapshots again.",
    )

    batch_requests: int = Field(
        default=32,
        ge=1,
        le=256,
        description="Requests whose questions to a service go together in one call; 1 turns batching off.",
    )
    batch_waiting: int = Field(
        default=1024, ge=1, description="Requests that may wait for a service; more do without it."
    )
    batches_in_flight: int = Field(
        default=1,
        ge=1,
        le=1024,
        description="Batches of one kind that are under way to a service at once; at least its number of replicas.",
    )
    streams: Literal["on", "off"] = Field(
        default="on",
        description="Whether batches travel over streams that stay open, or links, instead of as a call each.",
    )

    def policy(self) -> Policy:
        """Returns how requests are served that are in no experiment."""
        return Policy(
            diversity=self.diversity,
            exploration=self.exploration,
            explored=self.explored_candidates,
            max_candidates=self.max_candidates,
        )

    def batching(self) -> Batching:
        """Returns how the questions to each service go together."""
        return Batching(self.batch_requests, self.batch_waiting, self.batches_in_flight)

    @property
    def streams_batches(self) -> bool:
        """Whether batches travel over open streams. Without batching every question is a call of its own."""
        return self.streams == "on" and self.batch_requests > 1

    def limits(self) -> PipelineLimits:
        """Returns the limits of the pipelines, in seconds."""
        return PipelineLimits(
            budgets={
                Stage.USER_FEATURES: self.user_features_budget_ms / 1000,
                Stage.RECALL: self.recall_budget_ms / 1000,
                Stage.CANDIDATE_FEATURES: self.candidate_features_budget_ms / 1000,
                Stage.RANKING: self.ranking_budget_ms / 1000,
            },
            max_candidates=self.max_candidates,
            max_fetched=self.max_fetched_candidates,
            diversity=self.diversity,
        )
