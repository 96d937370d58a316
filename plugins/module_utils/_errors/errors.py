# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong, each as one sentence that says what to do next."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .readable import readable


class NetworkError(Exception):
    """The base of all errors that this collection raises on purpose."""

    def __str__(self) -> str:
        return readable(super().__str__())


class Caution(str):
    """What libvirt takes and nobody is harmed by, although it is hardly what a user means: a warning, not an error."""

    __slots__ = ()


class InvalidNetworkError(NetworkError):
    """What was asked for cannot be; raised before anything is touched, with every problem found."""

    def __init__(self, name: str, problems: Sequence[str]) -> None:
        super().__init__(f"Cannot bring network {name!r} to the wanted state: {'; '.join(problems)}")
        self.problems = list(problems)


class InvalidFilterError(NetworkError):
    """What was asked for of a network filter cannot be; raised before anything is touched, with every problem found."""

    def __init__(self, name: str, problems: Sequence[str]) -> None:
        super().__init__(f"Cannot bring network filter {name!r} to the wanted state: {'; '.join(problems)}")
        self.problems = list(problems)


class SeveralError(NetworkError):
    """What is wrong with several networks of one task."""

    def __init__(self, errors: Sequence[NetworkError]) -> None:
        self.problems = [str(error) for error in errors]
        super().__init__("; ".join(self.problems))


class DefinitionError(NetworkError, ValueError):
    """A definition is no XML. libvirt itself writes such ones: it does not escape every value."""

    def __init__(self, text: str, why: str) -> None:
        found = re.search("<name>(.*?)</name>", text)
        name = found[1] if found else "a network"
        super().__init__(
            f"Cannot read the definition of {name!r}: libvirt gives one that {why}; define "
            "it again without &, < and ' in names and profiles (virsh net-define), or delete it (virsh net-undefine)"
        )
        self.why = why


class InvalidInterfaceError(NetworkError):
    """What was given is not an interface of a guest; with every problem found."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(f"Cannot write <interface>: {'; '.join(problems)}")
        self.problems = list(problems)


class InvalidNicsError(NetworkError):
    """What was asked for of a guest's NICs cannot be; raised before anything is touched, with every problem found."""

    def __init__(self, guest: str, problems: Sequence[str]) -> None:
        super().__init__(f"Cannot bring the NICs of guest {guest!r} to the wanted state: {'; '.join(problems)}")
        self.problems = list(problems)


class UnplugError(NetworkError):
    """A running guest did not let go of a NIC."""


class NoAddressError(NetworkError):
    """A guest got no address in time."""


class PlanError(NetworkError):
    """What was asked for cannot be worked out."""


class InUseError(NetworkError):
    """The change would disconnect running guests, and nothing in the task allows that."""


class LockedError(NetworkError):
    """Another process holds the lock of a network for longer than this task waits."""


# libvirt names the socket of the daemon that is not running: its own, or one of the several of Fedora and RHEL 9.
_DOWN = re.compile(r"Failed to connect socket to '\S*/(\w+?)-sock(?:-ro)?': (?:Connection refused|No such file)")
# A socket for root alone, or polkit, which asks for what nobody can answer in a task.
_DENIED = re.compile(
    r"Failed to connect socket to '\S*-sock(?:-ro)?': Permission denied|org\.libvirt\.unix\.|access denied by policy"
)


def is_denied(text: str) -> bool:
    """Whether libvirt says that the user lacks privileges."""
    return bool(_DENIED.search(text))


def remedy(text: str) -> str:
    """What to do about an error of libvirt's that says which of its daemons is not running, or that the user lacks
    privileges, else ""."""
    if is_denied(text):
        return "run the task as root (become: true); check mode, info, check and audit need no privileges"
    found = _DOWN.search(text)
    if found is None:
        return ""
    if found[1] != "libvirt":
        return f"{found[1]} is not running: start it on the hypervisor with systemctl start {found[1]}.socket"
    units = "libvirtd (or virtqemud and virtnetworkd)"
    return f"libvirtd is not running: start it on the hypervisor with systemctl start {units}"


class LibvirtError(NetworkError):
    """libvirt refused a call; ``code`` is its error number (virErrorNumber), ``is_down`` whether nobody is there to
    carry it out, or lets this user in."""

    def __init__(self, what: str, text: str, code: int) -> None:
        super().__init__("; ".join(filter(None, (f"{what}: libvirt says {text!r} (code {code})", remedy(text)))))
        self.code, self.is_down = code, bool(remedy(text))


class UnreachableError(LibvirtError):
    """libvirt does not answer, or no longer; whether it has carried out the call, or will, is unknown."""

    def __init__(self, text: str) -> None:
        NetworkError.__init__(self, text)  # pylint: disable=non-parent-init-called
        self.code, self.is_down = 0, True


class StoppedError(NetworkError):
    """A signal asked the task to end."""


class MeanwhileError(NetworkError):
    """Another program changed a definition between the look at it and the change; another look may do."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}: another program has changed the definition since it was read; run the task again")


class ReplugError(NetworkError):
    """A guest's NIC could not be moved; the text names the guest and the NIC."""


class VerifyError(NetworkError):
    """libvirt took a change without an error, yet the network is not what was asked for."""


class LostError(VerifyError):
    """A change made a network lose something that no update of an entry brings back."""


class ApplyError(NetworkError):
    """A change failed half-way; the text says what was rolled back and what was not."""
