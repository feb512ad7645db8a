"""Settings of the feature store."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.config import GrpcPort, MetricsPort, ServiceSettings


class FeatureStoreSettings(ServiceSettings):
    """What the feature store can be told."""

    model_config = SettingsConfigDict(env_prefix="FEATURE_STORE_")

    port: GrpcPort = 50052
    metrics_port: MetricsPort = 9102
    path: Path = Field(default=Path("var/store"), description="Folder of the store; one process may have it open.")
    max_bytes: int = Field(
        default=8 << 30,
        ge=1 << 20,
        description="The most that the store may take on disk; it takes what it needs up to this.",
    )
    max_history: int = Field(default=1_000, ge=1, le=100_000, description="Newest history items to keep of each user.")
    max_seen: int = Field(default=20_000, ge=1, le=1_000_000, description="Newest seen items to keep of each user.")
    event_id_days: float = Field(
        default=7.0, gt=0, le=366, description="An event sent again within this many days counts once."
    )
    max_live_items: int = Field(
        default=10_000,
        ge=1,
        le=1_000_000,
        description="Upserted items that the newest snapshot was not trained with; more are refused with "
        "RESOURCE_EXHAUSTED.",
    )
    max_queued_events: int = Field(
        default=100_000,
        ge=1,
        description="Events and items that may wait to be written; more are refused with RESOURCE_EXHAUSTED.",
    )
