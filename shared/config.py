"""Settings: from the environment or flags, checked at start, each listed by `--help`."""

import sys
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, CliSettingsSource, SettingsConfigDict, SettingsError

from shared.affinity import keep_to, parse_cpus
from shared.exchange.link_address import LinkAddress

# Types of their own, because a service gives these two a default and would else have to repeat limits and text.
GrpcPort = Annotated[int, Field(ge=0, le=65535, description="Port for gRPC; 0 takes a free one.")]
MetricsPort = Annotated[
    int, Field(ge=0, le=65535, description="Port for Prometheus metrics over HTTP; 0 turns them off.")
]


def _check_links(text: str) -> str:
    if text:
        LinkAddress.parse(text)
    return text


#: Where links are taken; empty for nowhere.
LinkText = Annotated[str, AfterValidator(_check_links)]

OwnLinks = Annotated[
    LinkText,
    Field(
        description="Where batches are also taken over bare connections: host:port or unix-abstract:name; empty: nowhere."
    ),
]


def _check_cpus(text: str) -> str:
    parse_cpus(text)
    return text


class ServiceSettings(BaseSettings):
    """What every service can be told. A service adds its own settings, its ports, and the prefix of their names."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    host: str = Field(default="0.0.0.0", description="Address to listen on.")  # noqa: S104 - a container listens on all
    port: GrpcPort
    metrics_port: MetricsPort
    snapshot_dir: Path = Field(
        default=Path("var/snapshots"), description="Folder that training publishes snapshots to."
    )
    snapshot_poll_seconds: float = Field(
        default=1.0, gt=0, le=3600, description="How often to look for a new snapshot."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe level to log; debug logs every RPC."
    )
    grace_seconds: float = Field(
        default=20.0, ge=0, le=3600, description="How long calls in flight may take to end after SIGTERM."
    )
    max_in_flight: int = Field(
        default=512,
        ge=1,
        description="Requests of one method worked on at once; more are refused with RESOURCE_EXHAUSTED.",
    )
    max_connection_age_seconds: int = Field(
        default=300, ge=1, description="After this, a client is asked to connect anew, so that it finds new replicas."
    )

    cpus: Annotated[str, AfterValidator(_check_cpus)] = Field(
        default="", description="CPUs to run on, such as 0 or 0,2-3; all that the process may use when empty."
    )

    def keep_to_cpus(self) -> None:
        """Keeps the process to its CPUs, if it was given any. To be called before threads or workers are started.

        Raises:
            SystemExit: the process may not use one of them (status 2).
        """
        if not self.cpus:
            return
        try:
            keep_to(parse_cpus(self.cpus))
        except ValueError as error:
            print(f"{_variable(self.model_config.get('env_prefix', ''), ('cpus',))}: {error}", file=sys.stderr)  # noqa: T201
            raise SystemExit(2) from None

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Names, in the help of each setting, the environment variable that sets it."""
        super().__pydantic_init_subclass__(**kwargs)
        prefix = cls.model_config.get("env_prefix", "")
        for name, field in cls.model_fields.items():
            field.description = f"{field.description or ''} [env: {prefix}{name.upper()}]"

    @classmethod
    def load(cls, arguments: list[str] | None = None) -> Self:
        """Returns the settings from flags, then the environment, then defaults.

        Args:
            arguments: The flags; those of the process when None.

        Raises:
            SystemExit: a setting is wrong (status 2, each wrong one named on stderr), or help was asked for.
        """
        prefix = cls.model_config.get("env_prefix", "")
        try:
            flags: CliSettingsSource[Any] = CliSettingsSource(
                cls,
                cli_parse_args=sys.argv[1:] if arguments is None else arguments,
                cli_prog_name=f"python -m {cls.__module__.removesuffix('.config')}",
                cli_kebab_case=True,
                cli_hide_none_type=True,
            )
            return cls(_cli_settings_source=flags)  # type: ignore[call-arg]
        except ValidationError as error:
            problems = [f"{_variable(prefix, problem['loc'])}: {problem['msg']}" for problem in error.errors()]
        except SettingsError as error:  # the value of a list or mapping is not even JSON
            problems = [f"{prefix}*: {error}"]
        print("\n".join(problems), file=sys.stderr)  # noqa: T201
        raise SystemExit(2)


class WorkerSettings(ServiceSettings):
    """The settings of a service that can be several processes: all but one that owns what only one may own."""

    workers: int = Field(
        default=1,
        ge=1,
        le=256,
        description="Processes that share the port, for machines with many cores; they share the CPU quota too.",
    )


def _variable(prefix: str, location: tuple[int | str, ...]) -> str:
    """Returns the name of the variable, and where in it, that pydantic's location means."""
    name, *inside = location or ("*",)
    return f"{prefix}{str(name).upper()}" + "".join(f"[{part}]" for part in inside)
