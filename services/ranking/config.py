"""Settings of ranking."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.ranking.device import DemandedDevice
from shared.config import ServiceSettings


class RankingSettings(ServiceSettings):
    """What ranking can be told."""

    model_config = SettingsConfigDict(env_prefix="RANKING_")

    port: int = Field(50054, ge=0, le=65535, description="Port for gRPC; 0 takes a free one.")
    metrics_port: int = Field(
        9104, ge=0, le=65535, description="Port for Prometheus metrics over HTTP; 0 turns them off."
    )
    device: DemandedDevice = Field(
        "auto",
        description="Where the model runs: cuda stays not ready where there is no GPU; auto then takes the CPU.",
    )
    threads: int = Field(0, ge=0, le=1024, description="Threads that score; 0 takes as many as the CPU quota allows.")
