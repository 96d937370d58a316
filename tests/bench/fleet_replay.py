"""Measures the controller with more hypervisors than fit here: they answer what a real one has answered, after as long.

A hypervisor that has to compute takes processors from the controller on this machine, and on no other. These do not
compute: what stands for their Python takes the module in, waits as long as a real one took when no play ran, and
gives its answer back. It does next to nothing itself, as this machine's processors are the controller's.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

from tests.bench.plays import Bench, Cost, row

SIZES, SLICES = (50, 200, 1000, 2000), 4
PING, AUDIT, TOPOLOGY = (
    "ansible.builtin.ping",
    "virtfleet.network.virt_network_audit",
    "virtfleet.network.virt_topology",
)
MODULES = (PING, AUDIT, TOPOLOGY)
NO_FILES = '{"audit_dir": "", "audit_report": ""}'
ROWS = (
    "ping",
    "audit",
    "a second run",
    "the playbook audit",
    "the same with all files",
    f"in {SLICES} slices, with JSON",
)
STAND_IN = """\
#!/bin/sh
cat >/dev/null
sleep {seconds:.2f}
exec cat /run/lab/{name}.json
"""


def measure(bench: Bench, hosts: list[str], variables: Path) -> None:
    """Plays of ping, of audits and of a topology's second run, and the playbook audit, on ever more of them."""
    for module in MODULES:
        _record(bench, hosts, module, variables)
    for name in hosts:
        place = bench.lab.hypervisors[name].home / "run/lab"
        for file in bench.lab.folder.glob("replay/*"):
            (place / file.name).write_bytes(file.read_bytes())
            (place / file.name).chmod(0o755)
    print("Hypervisors that answer what a real one has answered, after as long: seconds with 50 forks")
    print(f"  {'':<56} {'seconds':>8} {'x ping':>7} {'controller':>11} {'MB':>6}")
    for size in SIZES:
        words = ("-f", "50", "-e", "target=replayed", "-e", f"@{variables}")
        inventories = [("-i", str(_inventory(bench, hosts, size, module))) for module in MODULES]
        _play(bench, PING, (*inventories[0], *words))  # which makes the connections
        ping, audit, again = (_play(bench, module, (*one, *words)) for module, one in zip(MODULES, inventories))
        words = (*inventories[1], *words)
        alone = bench.run("virtfleet.network.audit", *words, "-e", NO_FILES)
        whole = bench.run("virtfleet.network.audit", *words)
        sliced = _sliced(bench, size, words)
        costs = (ping, audit, again, alone, whole, sliced)
        for what, cost in zip(ROWS, costs):
            times, named = cost.seconds / ping.seconds, f"{size} hypervisors, {what}"
            print(
                f"  {named:<56} {cost.seconds:>8.1f} {times:>7.2f} {cost.controller:>11.1f} {cost.memory:>6}",
                flush=True,
            )
        for what, cost, goal in (("an audit", audit, 1.25), ("a second run", again, 1.3)):
            row(f"  {what}, in times of a ping", f"{cost.seconds / ping.seconds:.2f}", f"goal: at most {goal}")
            row("  ... by the controller's processors", f"{cost.controller / ping.controller:.2f}")
        files, rest = ((more.controller - less.controller) / size for more, less in ((whole, alone), (alone, audit)))
        row("  all files, processors for each hypervisor", f"{files:.3f} s", "goal: at most 0.03 s")
        row("  the check of the variables, and the table", f"{rest:.3f} s")


def _sliced(bench: Bench, size: int, words: tuple[str, ...]) -> Cost:
    """What as many jobs take side by side, without what puts their audits together, which is a line of its own."""
    folder = bench.lab.folder / "slices"
    folder.mkdir(exist_ok=True)
    common = (*words, "-e", json.dumps({"audit_dir": str(folder), "audit_report": ""}))
    ends = [size * number // SLICES for number in range(SLICES + 1)]
    runs = [
        ("virtfleet.network.audit", *common, "-e", f"audit_name=slice-{first}", "-l", f"replayed[{first}:{last - 1}]")
        for first, last in zip(ends, ends[1:])
    ]
    cost = bench.side_by_side(runs)
    page = {"merge_from": [str(folder)], "audit_report": str(folder / "fleet.html")}
    merged = bench.run("virtfleet.network.merge", "-e", json.dumps(page))
    row("  the playbook merge, with a page", f"{merged.seconds:.1f} s", f"{merged.controller:.1f} s of processors")
    return cost


def _task(module: str) -> dict[str, object]:
    """A task as the collection's playbooks have it."""
    networks = "{{ lookup('virtfleet.network.as_json', 'topology_networks') }}"
    wanted: dict[str, object] = {"name": "{{ topology_name }}", "networks": networks, "purge": "{{ topology_purge }}"}
    return {module: {PING: {}, TOPOLOGY: wanted, AUDIT: {**wanted, "as_text": True}}[module]}


def _play(bench: Bench, module: str, words: tuple[str, ...]) -> Cost:
    file = bench.lab.folder / "replayed.yml"
    hosts = "{{ query('virtfleet.network.hypervisors', 'replayed') }}"  # as the collection's playbooks have it
    file.write_text(json.dumps([{"hosts": hosts, "gather_facts": False, "tasks": [_task(module)]}]))
    return bench.run(str(file), *words)


def _record(bench: Bench, hosts: list[str], module: str, variables: Path) -> None:
    """Keeps what a module answers on the first hypervisor, and how long it takes there."""
    folder = bench.lab.folder / "replay"
    folder.mkdir(exist_ok=True)
    play = bench.lab.folder / "record.yml"
    play.write_text(json.dumps([{"hosts": hosts[0], "gather_facts": False, "tasks": [_task(module)]}]))
    bench.run(str(play), "-e", f"@{variables}", ANSIBLE_KEEP_REMOTE_FILES="1")
    name = module.rpartition(".")[2]
    find = f"cat /root/.ansible/tmp/*/AnsiballZ_{name}.py >/run/lab/{name}.py; rm -rf /root/.ansible/tmp"
    bench.host.run(["sh", "-c", find])
    run = ["/usr/bin/python3", f"/run/lab/{name}.py"]
    bench.host.run(run)
    began = time.monotonic()
    answer = bench.host.run(run).stdout
    seconds = time.monotonic() - began
    (folder / f"{name}.json").write_text(answer)
    (folder / f"python-{name}").write_text(STAND_IN.format(seconds=seconds, name=name))
    print(f"  {module} takes {seconds:.2f} s on a hypervisor that has this machine for itself")


def _inventory(bench: Bench, hosts: list[str], size: int, module: str) -> Path:
    """So many hosts, each with the connection of one of these hypervisors, that answer this module."""
    name = module.rpartition(".")[2]
    names = {f"r{n}": {"ansible_host": hosts[n % len(hosts)]} for n in range(size)}
    common = {
        "ansible_connection": "ssh",
        "ansible_ssh_common_args": f"-F {bench.lab.folder / 'ssh_config'}",
        "ansible_control_path_dir": str(bench.lab.folder / "control"),
        "ansible_pipelining": True,
        "ansible_python_interpreter": f"/run/lab/python-{name}",
    }
    file = bench.lab.folder / f"replayed-{name}.json"
    file.write_text(json.dumps({"replayed": {"hosts": names, "vars": common}}))
    return file
