"""What a worker is told by the parent that starts it."""

import os
from dataclasses import dataclass
from typing import Self

_VARIABLE = "WINNOW_WORKER"


@dataclass(frozen=True)
class WorkerRole:
    """One of several processes that share a port.

    It travels in a variable of the environment, because metrics and logs need it before any setting is read.

    Attributes:
        number: 1 for the first. A worker that takes a dead one's place takes its number.
        port: The gRPC port that all of them listen on.
        link: The file descriptor of a socket to the parent.
    """

    number: int
    port: int
    link: int

    def environment(self) -> dict[str, str]:
        """Returns the variables that make a process take this role."""
        return {_VARIABLE: f"{self.number} {self.port} {self.link}"}

    @classmethod
    def of_this_process(cls) -> Self | None:
        """Returns the role of this process; None where it is not a worker."""
        if (told := os.environ.get(_VARIABLE)) is None:
            return None
        return cls(*map(int, told.split()))
