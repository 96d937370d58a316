"""Where the time of a play on a fleet goes: connection, Python, module, libvirt; and what settings change it."""

from __future__ import annotations

import json
import textwrap
from typing import Any

from tests.bench.plays import Bench, Cost, row

PING: dict[str, Any] = {"ansible.builtin.ping": {}}
OWN_SSH = "-C -o ControlMaster=auto -o ControlPersist=60s"  # Ansible's own

# Run where a module has been unpacked: what each part of it takes there. It is compiled each time, as on a hypervisor.
PARTS = """
    import io, sys, time
    times = [time.perf_counter()]
    sys.path.insert(0, ".")
    from ansible.module_utils import basic
    times.append(time.perf_counter())
    import libvirt, lxml.etree
    times.append(time.perf_counter())
    from ansible_collections.virtfleet.network.plugins.module_utils._audit import survey
    from ansible_collections.virtfleet.network.plugins.modules import virt_network_audit
    times.append(time.perf_counter())
    basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE = open("args", "rb").read(), "legacy"
    out, sys.stdout = sys.stdout, io.StringIO()
    try:
        virt_network_audit.main()
    except SystemExit:
        pass
    times.append(time.perf_counter())
    size = len(sys.stdout.getvalue())
    print(*(round((b - a) * 1000) for a, b in zip(times, times[1:])), size, file=out)
"""


def measure(bench: Bench, hosts: list[str], audit: dict[str, Any]) -> None:
    """Everything about the largest fleet."""
    _parts(bench, audit)
    _settings(bench, hosts)
    _forks(bench, hosts, audit)
    _strategies(bench, hosts, audit)


def _parts(bench: Bench, audit: dict[str, Any]) -> None:
    file = bench.lab.folder / "bench.yml"
    bench.cost([audit])
    bench.run(str(file), ANSIBLE_KEEP_REMOTE_FILES="1")
    script = bench.host.home / "run/lab/parts.py"
    script.write_text(textwrap.dedent(PARTS))
    command = (
        "cd $(dirname /root/.ansible/tmp/*/AnsiballZ_virt_network_audit.py)"
        " && stat -c %s AnsiballZ_virt_network_audit.py"
        " && /usr/bin/python3 AnsiballZ_virt_network_audit.py explode >/dev/null && cd debug_dir"
        " && for round in 1 2 3; do PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 /run/lab/parts.py; done"
    )
    told = bench.host.run(["sh", "-c", f"{command}; rm -rf /root/.ansible/tmp"]).stdout.split("\n")
    basic, libraries, ours, work, answer = sorted(line.split() for line in told[1:4])[1]
    print("An audit of 20 networks on one hypervisor, as the hypervisor sees it")
    row("what is sent for the task", f"{int(told[0]) // 1024} KB")
    row("what comes back", f"{int(answer) // 1024} KB")
    row("Ansible's part of the module", f"{basic} ms")
    row("libvirt-python and lxml", f"{libraries} ms")
    row("the module's own files", f"{ours} ms")
    row("the work", f"{work} ms")


def _told(what: str, cost: Cost) -> None:
    row(what, f"{cost.seconds:.1f} s", f"of these {cost.controller:.1f} s of processors for the controller")


def _settings(bench: Bench, hosts: list[str]) -> None:
    print(f"What settings change, in a play of ansible.builtin.ping on {len(hosts)} hypervisors with 10 forks")
    file, cache = bench.lab.folder / "bench.yml", bench.lab.folder / "facts"
    _told("as it should be: pipelining, the interpreter is named", bench.cost([PING], ",".join(hosts), 10))
    forks = (str(file), "-f", "10")
    _told("without pipelining", bench.run(*forks, "-e", '{"ansible_pipelining": false}'))
    # Of those that it finds, one may not work.
    found = {"ansible_python_interpreter": "auto_silent", "ansible_interpreter_python_fallback": ["/usr/bin/python3"]}
    _told("the interpreter is looked for", bench.run(*forks, "-e", json.dumps(found)))
    _told("with SSH's compression, as Ansible has it", bench.run(*forks, ANSIBLE_SSH_ARGS=OWN_SSH))
    _told("with all facts", bench.cost([PING], ",".join(hosts), 10, gather_facts=True))
    cached = {
        "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(cache),
        "ANSIBLE_GATHERING": "smart",
    }
    bench.run(*forks, **cached)
    _told("with facts of a cache", bench.run(*forks, **cached))


def _forks(bench: Bench, hosts: list[str], audit: dict[str, Any]) -> None:
    print(f"Forks: an audit of {len(hosts)} hypervisors")
    for forks in (5, 10, 25, 50):
        _told(f"{forks} forks", bench.cost([audit], ",".join(hosts), forks))


def _strategies(bench: Bench, hosts: list[str], audit: dict[str, Any]) -> None:
    """One hypervisor in ten is slow at each of three tasks, but not the same ones."""
    slow = "{{ 2 if (inventory_hostname[2:] | int + item) % 10 == 0 else 0 }}"
    waits = [{"ansible.builtin.command": "sleep " + slow.replace("item", str(step))} for step in range(3)]
    print(f"Strategies: an audit between tasks that are slow on one in ten of {len(hosts)} hypervisors")
    for strategy in ("linear", "free", "host_pinned"):
        _told(strategy, bench.cost([*waits, audit], ",".join(hosts), 10, strategy=strategy))
