"""A full machine whose bridge is made by the guard of the role host_bridge alone, with a fault at one command."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.virtfleet.network.plugins.filter.host_bridge_plan import host_bridge_plan
from tests.lab import Lab
from tests.lab.full_seed import ADDRESSES, GATEWAYS

HERE = Path(__file__).parent
ROLE = Path(__file__).parents[2] / "roles/host_bridge"
BR0 = {"name": "br0", "port": "eth0"}
# All that a bridge can be given.
GIVEN = {
    "addresses": list(ADDRESSES),
    "gateway": GATEWAYS[0],
    "gateway_ipv6": GATEWAYS[1],
    "nameservers": ["192.0.2.53", "2001:db8:ffff::53"],
    "search": ["example.org", "a-b.example"],
}
# How each provider says what it has read.
READ = {
    "networkmanager": "nmcli --terse --escape no connection show br0",
    "networkd": "networkctl status --no-pager --full br0",
    "ifupdown": "ifquery br0",
    "netplan": "netplan get bridges.br0; networkctl status --no-pager --full br0",
}
SECRET = "sesame-open"  # noqa: S105 - nobody's
# What each provider has that no bridge is made of, and nobody is to see.
SECRETS = {
    "networkmanager": ("NetworkManager/system-connections/eth0.nmconnection", f"\n[user]\nuser.password={SECRET}\n"),
    "networkd": ("systemd/network/10-eth0.network", f"\n# {SECRET}\n[Network]\nDescription={SECRET}\n"),
    "ifupdown": ("network/interfaces", f"\n    # {SECRET}\n    up true {SECRET}\n"),
    "netplan": (
        "netplan/01-eth0.yaml",
        f"\n    never0: {{match: {{name: never0}}, ignore-carrier: true}}\n# {SECRET}\n",
    ),
}
FOLDERS = "systemd/network netplan network NetworkManager/system-connections"
REAL = ["env", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
ARM = """\
umask 077; new=$(mktemp /run/virtfleet-host-bridge.XXXXXX) && cat >"$new" && timeout -k 5 30 sh "$new" arm; code=$?
rm -f "$new"; exit $code
"""
UNITS = "systemd/system/virtfleet-host-bridge.service systemd/system/sysinit.target.wants/virtfleet-host-bridge.service"
TIMEOUT = 20
PATIENCE = 10


@dataclass(frozen=True)
class Fault:
    """What happens to which command of the guard."""

    phase: str
    command: str
    number: int
    kind: str

    def __str__(self) -> str:
        return f"{self.phase} {self.command} {self.number} {self.kind}"


class Guarded:
    """A machine, its files and devices at the start, and the guard's way to a bridge."""

    def __init__(self, lab: Lab, suite: str, provider: str, number: int) -> None:
        self.provider = provider
        self.machine = lab.start_full(f"{suite}-{provider[:8]}-{number}", suite, provider)
        path, text = SECRETS[provider]
        self.sh(f"printf '%s' \"$0\" >>/etc/{path}; ln -sf /bin/true /usr/bin/udevadm", text)
        if provider == "netplan":
            self.sh("netplan apply")
        self.sh("cat >/usr/local/lib/faulty; chmod 755 /usr/local/lib/faulty", text=(HERE / "faulty.sh").read_text())
        for command in sorted(self._commands()):
            self.sh(f"ln -s ../lib/faulty /usr/local/sbin/{command}")
        self.sh(f"mkdir /keep; cd /etc; cp -a --parents {FOLDERS} /keep 2>/dev/null; true")
        self.small = False
        self.before = self.files(), self.devices()

    def sh(self, script: str, *words: str, text: str | None = None, check: bool = True) -> str:
        """Run a script with the real commands, not over the machine's NIC."""
        done = self.machine.run([*REAL, "sh", "-c", script, *words], input=text, check=check, timeout=150)
        return done.stdout

    def small_disks(self) -> None:
        """Make /etc and /run so small that a test can fill them; providers have mounts of their own and start again."""
        self.sh("mount -t tmpfs -o mode=755,size=12m etc /mnt; cp -a /etc/. /mnt; mount --move /mnt /etc")
        self.sh("mount -o remount,size=$(($(du -sk /run | cut -f1) + 24576))k /run")
        self.sh("systemctl try-restart systemd-networkd NetworkManager")
        self.small = True

    def files(self) -> str:
        """All that is of the providers: names, modes, owners, contents."""
        listing = "-printf '%p %y %m %U:%G %l\\n' -type f -exec sha256sum {} +"
        return self.sh(f"cd /etc; find {FOLDERS} {listing} 2>/dev/null | sort", check=False)

    def left(self) -> str:
        """What the guard has left on the disk."""
        return self.sh(f"cd /etc; ls -d virtfleet* {UNITS} 2>/dev/null", check=False)

    def devices(self) -> str:
        """Devices with their addresses, and the default routes."""
        addresses = "ip -o address show scope global | awk '{print $2, $4}' | sort"
        return self.sh(f"{addresses}; ip route show default; ls /sys/class/net")

    def plan(self, **more: Any) -> dict[str, Any]:
        """What the role's filter works out for the bridge."""
        look = self.machine.run([*REAL, "sh", "-s"], input=(ROLE / "files/look.sh").read_text()).stdout
        return host_bridge_plan([{**BR0, **GIVEN, **more}], look, timeout=TIMEOUT)

    def script(self, plan: dict[str, Any]) -> str:
        """The script as the role puts it together."""
        text: str = self._template().replace("{{ host_bridge_plan.head }}", plan["head"])
        found = re.findall(r"{{ lookup\('ansible.builtin.file', (.*?)\) }}", text)
        for name in found:
            file = name.replace("host_bridge_plan.provider ~ '.sh'", f"{plan['provider']}.sh").strip("'")
            text = text.replace(
                f"{{{{ lookup('ansible.builtin.file', {name}) }}}}", (ROLE / "files" / file).read_text()
            )
        assert "{{" not in text
        return text.replace("patience=30", f"patience={PATIENCE}")

    @staticmethod
    def _template() -> str:
        text = (ROLE / "vars/main.yml").read_text().partition("host_bridge_guard: |\n")[2]
        return re.sub(r"(?m)^  ", "", text)

    def _commands(self) -> set[str]:
        """Every command that the script may start: a word of it that is one on the machine."""
        words = set(re.findall(r"[a-z][\w-]*", self.script(self.plan())))
        there = set(self.sh("cd /usr/sbin; ls; cd /usr/bin; ls").split())
        return words & there - {"sh", "test", "true", "printf", "echo", "kill", "["}

    def guard(self, action: str, text: str | None = None) -> int:
        """Run the guard as the role does, over ssh or not is the same to it; its exit status, -1 when it was killed."""
        bound = ["timeout", "-k", "5", "30" if action in ("go", "confirm") else str(TIMEOUT * 5)]
        command = ["sh", "-c", ARM] if action == "arm" else [*bound, "sh", "/run/virtfleet-host-bridge/guard", action]
        path = "PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
        try:
            return self.machine.run(["env", path, *command], input=text, check=False, timeout=TIMEOUT * 6).returncode
        except Exception as error:  # noqa: BLE001
            print(self, action, error)
            return -1

    def change(self, fault: Fault | None, *, good: bool = True, stop: str = "", outcome: bool = True) -> dict[str, int]:
        """Go the role's way, over a fault; what each action returned."""
        if fault and fault.kind.startswith("full") and not self.small:
            self.small_disks()
        self.sh('rm -rf /run/faults; mkdir /run/faults; echo "$0" >/run/faults/plan', str(fault or "none"))
        text = self.script(self.plan(**({} if good else {"gateway": "192.0.2.9"})))
        done = {"arm": self.guard("arm", text)}
        if done["arm"] != 0 or stop == "arm":
            return done
        for action in ("go", "await", "confirm") if good else ("go",):
            done[action] = self.guard(action)
            if done[action] != 0 or stop == action:
                break
        if not good:
            self.sh("for _ in $(seq 50); do [ -e /run/virtfleet-host-bridge/applied ] && break; sleep 0.2; done")
        if outcome and done.get("confirm") != 0:
            done["outcome"] = self.guard("outcome")
        return done

    def happened(self) -> bool:
        """Whether the fault has come."""
        return bool(self.sh("cat /run/faults/happened 2>/dev/null", check=False))

    def calls(self) -> list[tuple[str, str, int, str]]:
        """Each command that the guard has started: phase, name, number, and the words that follow."""
        lines = [line.split(maxsplit=3) for line in self.sh("cat /run/faults/log").splitlines() if line]
        return [(phase, name, int(number), "".join(words)) for phase, name, number, *words in lines]

    def rest(self) -> None:
        """Wait until no unit of the guard runs or waits."""
        units = "systemctl list-units --plain --no-legend --state=active,activating 'virtfleet-host-bridge-*'"
        self.wait_for(lambda: not self.sh(units, check=False).strip(), TIMEOUT * 6)

    @staticmethod
    def wait_for(true: Callable[[], bool], seconds: float) -> None:
        """Wait until something is true, but no longer."""
        end = time.monotonic() + seconds
        while not true() and time.monotonic() < end:
            time.sleep(0.5)

    def state(self) -> str:
        """Judge from outside: "rolled back" or "complete", when all of it is; else what is wrong."""
        self.rest()
        self.wait_for(lambda: (self.files(), self.devices()) == self.before or "br0" in self.devices(), 10)
        self.sh("rm -f /etc/.ballast /run/.ballast")
        reached = self.machine.answers()
        now = self.files(), self.devices()
        if now == self.before:
            return "rolled back" if reached else "rolled back, and cannot be reached"
        whole = "br0 192.0.2.2/24" in now[1] and not self.left()
        if whole and reached and self.plan()["changed"] is False:
            return "complete"
        log = self.sh("cat /run/virtfleet-host-bridge/log /run/virtfleet-host-bridge/why", check=False)
        return f"neither: reached {reached}\n{now[0]}\n{now[1]}\n{log}"

    def two_at_once(self) -> list[str]:
        """Prepare two changes at the same moment, and return how each ended, in no order."""
        self.sh("cat >/root/script", text=self.script(self.plan()))
        one = f"( {ARM.strip()} ) </root/script >/dev/null; echo $?"
        codes = self.sh(f"({one}) & ({one}) & wait".replace("\n", "; ")).split()
        self.guard("outcome")
        return sorted(codes)

    def unread(self) -> list[str]:
        """The values of the bridge that its provider does not show."""
        found = self.sh(READ[self.provider])
        values = [one for value in GIVEN.values() for one in (value if isinstance(value, list) else [value])]
        return [value for value in values if value.partition("/")[0] not in found]

    def reset(self) -> None:
        """Bring the machine back to its start, from files that the guard has never seen."""
        self.sh(f"{'umount -l /etc; ' if self.small else ''}cd /etc; rm -rf {FOLDERS} virtfleet*; cp -a /keep/. /etc")
        self.sh("rm -f /etc/systemd/system/virtf* /etc/systemd/system/sysinit.target.wants/virtf*; sync")
        self.machine.power_cycle()
        self.small = False
        self.wait_for(lambda: (self.files(), self.devices()) == self.before, 30)
        assert (self.files(), self.devices()) == self.before
