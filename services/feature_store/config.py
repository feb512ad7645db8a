"""Settings of the feature store."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from shared.config import GrpcPort, MetricsPort, OwnLinks, ServiceSettings
from shared.events import EventWeights
from shared.user_ids import UserIds, read_key


class FeatureStoreSettings(ServiceSettings):
    """What the feature store can be told."""

    model_config = SettingsConfigDict(env_prefix="FEATURE_STORE_")

    port: GrpcPort = 50052
    metrics_port: MetricsPort = 9102
    links: OwnLinks = ""
    url: str = Field(
        default="",
        description="Redis, or a node of a Redis Cluster, to keep everything in, such as redis://host:6379; empty: "
        "the folder of FEATURE_STORE_PATH.",
    )
    path: Path = Field(default=Path("var/store"), description="Folder of the store; one process may have it open.")
    max_bytes: int = Field(
        default=8 << 30,
        ge=1 << 20,
        description="The most that the store may take on disk; it takes what it needs up to this.",
    )
    max_history: int = Field(default=1_000, ge=1, le=100_000, description="Newest history items to keep of each user.")
    max_seen: int = Field(
        default=1_000, ge=1, le=100_000, description="Newest seen items to keep of each user one by one."
    )
    seen_filter_items: int = Field(
        default=20_000,
        ge=1,
        le=1_000_000,
        description="Items seen before those, at least, that each user's filter remembers in a few bits each.",
    )
    counter_half_life_days: float = Field(
        default=30.0, gt=0, le=36_600, description="After this many days an event counts half as much in the counters."
    )
    event_weights: str = Field(
        default="",
        description="What events count, such as like=4,impression=-0.1; a type that is not named keeps its default.",
    )
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
    durability: Literal["disk", "process"] = Field(
        default="disk",
        description="What an acknowledged write survives: disk waits for the disk and survives a loss of power, process only "
        "the end of the process.",
    )
    log_segment_bytes: int = Field(
        default=64 << 20, ge=1 << 20, le=1 << 40, description="How long one file of the log becomes."
    )
    log_retention_days: float = Field(
        default=90.0, ge=0, le=36_600, description="How long the log is kept; 0 keeps it for ever."
    )
    log_retention_bytes: int = Field(
        default=32 << 30, ge=0, description="The most that the log may take on disk; 0 sets no bound."
    )

    user_id_key: SecretStr | None = Field(
        default=None,
        description="A secret of at least 16 bytes: user ids are stored as hashes with it. A store keeps the key it began with.",
    )
    user_id_key_file: Path | None = Field(
        default=None, description="A file that holds the secret instead, as orchestrators mount them."
    )

    def user_ids(self) -> UserIds:
        """Returns what turns users' ids into those they are stored under.

        Raises:
            ValueError: the key cannot be used.
        """
        key = "" if self.user_id_key is None else self.user_id_key.get_secret_value()
        return UserIds(read_key(key, self.user_id_key_file))

    @model_validator(mode="after")
    def _key_can_be_used(self) -> Self:
        self.user_ids()
        return self

    redis_log_records: int = Field(
        default=10_000_000,
        ge=1_000,
        description="Records that the log in Redis keeps, about, until `winnow log collect` has them.",
    )

    @field_validator("url")
    @classmethod
    def _url_is_of_redis(cls, url: str) -> str:
        if url and not url.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must begin with redis://, rediss:// or unix://")
        return url

    @field_validator("event_weights")
    @classmethod
    def _weights_can_be_read(cls, text: str) -> str:
        EventWeights.parse(text)
        return text
