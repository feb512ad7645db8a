"""Runs the suite as processes on this machine: starts them, waits until they are ready, restarts those that die."""

from services.cli.supervisor.child import Program, ProgramFailed
from services.cli.supervisor.ports import LOOPBACK, PortTaken
from services.cli.supervisor.suite import SERVICES, SuitePorts, suite_programs
from services.cli.supervisor.supervisor import Supervisor
from services.cli.supervisor.wakefulness import SleepNotPrevented, awake

__all__ = [
    "LOOPBACK",
    "SERVICES",
    "PortTaken",
    "Program",
    "ProgramFailed",
    "SleepNotPrevented",
    "SuitePorts",
    "Supervisor",
    "awake",
    "suite_programs",
]
