"""A fleet of libvirt hypervisors on one machine, without virtual machines or containers: see README.md beside this."""

from __future__ import annotations

from .full import Full
from .hypervisor import Hypervisor
from .lab import Lab
from .machine import CommandError, Machine
from .requirement import check
from .unavailable import LabUnavailable
from .world import Client, World

__all__ = ["Client", "CommandError", "Full", "Hypervisor", "Lab", "LabUnavailable", "Machine", "World", "check"]
