"""Settings of ranking."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.ranking.device import DemandedDevice
from services.ranking.precision import DemandedPrecision
from shared.config import GrpcPort, MetricsPort, OwnLinks, WorkerSettings
from shared.quota import thread_share


class RankingSettings(WorkerSettings):
    """What ranking can be told."""

    model_config = SettingsConfigDict(env_prefix="RANKING_")

    port: GrpcPort = 50054
    metrics_port: MetricsPort = 9104
    links: OwnLinks = ""
    device: DemandedDevice = Field(
        default="auto",
        description="Where the model runs: cuda stays not ready where there is no GPU; auto then takes the CPU.",
    )
    precision: DemandedPrecision = Field(
        default="fp32",
        description="fp16 and int8 are served where training found them to rank as well, else fp32 with a warning; "
        "auto takes fp16 on CUDA and int8 on the CPU.",
    )
    threads: int = Field(
        default=0, ge=0, le=1024, description="Threads that score; 0 takes as many as the CPU quota allows."
    )
    run_threads: int = Field(
        default=1,
        ge=1,
        le=1024,
        description="Threads of one run on the CPU; RANKING_THREADS divided by it is how many run at once.",
    )
    merge_candidates: int = Field(
        default=0,
        ge=0,
        le=65_536,
        description="The most candidates of requests that are scored together; 0 takes 2,048 on the CPU and 65,536 on "
        "CUDA; 1 turns merging off.",
    )
    waiting: int = Field(
        default=256, ge=1, description="Requests that may wait to be scored; more are refused with RESOURCE_EXHAUSTED."
    )

    @property
    def runs_at_once(self) -> int:
        """Runs that may compute at once: all their threads together are no more than there are cores to run on."""
        return max(1, (self.threads or thread_share(self.workers)) // self.run_threads)
