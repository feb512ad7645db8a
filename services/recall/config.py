"""Settings of recall."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.config import ServiceSettings


class RecallSettings(ServiceSettings):
    """What recall can be told."""

    model_config = SettingsConfigDict(env_prefix="RECALL_")

    port: int = Field(50053, ge=0, le=65535, description="Port for gRPC; 0 takes a free one.")
    metrics_port: int = Field(
        9103, ge=0, le=65535, description="Port for Prometheus metrics over HTTP; 0 turns them off."
    )
    threads: int = Field(
        0, ge=0, le=1024, description="Threads that encode and search; 0 takes as many as the CPU quota allows."
    )
    channel_timeout_ms: int = Field(
        200, ge=1, description="A channel that takes longer, in milliseconds, is done without in that answer."
    )
