"""Settings of ranking."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.ranking.device import DemandedDevice
from shared.config import GrpcPort, MetricsPort, WorkerSettings


class RankingSettings(WorkerSettings):
    """What ranking can be told."""

    model_config = SettingsConfigDict(env_prefix="RANKING_")

    port: GrpcPort = 50054
    metrics_port: MetricsPort = 9104
    device: DemandedDevice = Field(
        default="auto",
        description="Where the model runs: cuda stays not ready where there is no GPU; auto then takes the CPU.",
    )
    threads: int = Field(
        default=0, ge=0, le=1024, description="Threads that score; 0 takes as many as the CPU quota allows."
    )
