"""The lab's command line: python3 -m tests.lab --help."""

from __future__ import annotations

import argparse
import os
import sys
import time

from .full_seed import PROVIDERS
from .lab import LABS, Lab, living, standing_labs, take_down
from .machine import ENVIRONMENT
from .process import Process
from .requirement import check
from .root import FULL_SUITES, HOST, KINDS, SUITES, root
from .unavailable import LabUnavailable

USAGE_TEXT = """\
inventory: {inventory}
ansible:   ansible -i {inventory} hypervisors -m ansible.builtin.ping
ssh:       ssh -F {folder}/ssh_config {first}
virsh:     virsh -c '{uri}' net-list --all
shell:     python3 -m tests.lab shell {first} --name {name}
end:       python3 -m tests.lab down --name {name}"""


def main() -> int:
    """Run one command of the lab; returns the exit status."""
    arguments = _parser().parse_args()
    try:
        status: int = arguments.function(arguments)
    except (LabUnavailable, FileExistsError, FileNotFoundError, RuntimeError, ValueError) as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m tests.lab", description="A fleet of hypervisors on this machine.")
    commands = parser.add_subparsers(required=True)

    lacks = commands.add_parser("check", help="say what this machine lacks")
    lacks.set_defaults(function=_check)

    make_root = commands.add_parser("root", help="make the cached root of a Debian suite")
    make_root.add_argument("suite", choices=KINDS)
    make_root.set_defaults(function=_root)

    up = commands.add_parser("up", help="start hypervisors that stay until `down`")
    up.add_argument("--hosts", type=int, default=2, help="how many (default: 2)")
    up.add_argument("--roots", default=HOST, help=f"their roots, in turn: {HOST} (default), {', '.join(SUITES)}")
    up.add_argument("--full", default="", help=f"full machines m1, m2, ... of these: {', '.join(FULL_SUITES)}")
    up.add_argument("--provider", default="networkd", choices=PROVIDERS, help="what manages their network")
    up.add_argument("--owner", type=int, metavar="PID", help="end them when this process ends, at the latest")
    up.set_defaults(function=_up)

    down = commands.add_parser("down", help="end a standing lab")
    down.add_argument("--all", action="store_true", help="end every standing lab")
    down.set_defaults(function=_down)

    show = commands.add_parser("list", help="show the labs that live")
    show.set_defaults(function=_list)

    shell = commands.add_parser("shell", help="open a shell in a machine of a lab")
    shell.add_argument("host")
    shell.set_defaults(function=_shell)

    for command in (up, down, shell):
        command.add_argument("--name", default="lab", help="the lab's name (default: lab)")
    return parser


def _check(_arguments: argparse.Namespace) -> int:
    lacks = check()
    print("\n".join(["This machine lacks:", *(f"- {line}" for line in lacks)]) if lacks else "The lab can run here.")
    return 1 if lacks else 0


def _root(arguments: argparse.Namespace) -> int:
    print(root(arguments.suite))
    return 0


def _up(arguments: argparse.Namespace) -> int:
    kinds = arguments.roots.split(",")
    roots = {f"hv{number + 1}": kinds[number % len(kinds)] for number in range(arguments.hosts)}
    lab = Lab(arguments.name, standing=True, owner=arguments.owner)
    began = time.monotonic()
    print(f"starting {', '.join(f'{name} ({kind})' for name, kind in roots.items())} ...", flush=True)
    try:
        hypervisors = lab.start_all(roots)
        for number, suite in enumerate(arguments.full.split(",") if arguments.full else ()):
            lab.start_full(f"m{number + 1}", suite, arguments.provider)
    except BaseException:
        lab.stop()
        raise
    machines = ", ".join([*hypervisors, *lab.machines])
    print(f"lab {lab.name} stands after {time.monotonic() - began:.1f} s: {machines}")
    first, hypervisor = next(iter(hypervisors.items()))
    facts = {"inventory": lab.inventory, "folder": lab.folder, "name": lab.name}
    print(USAGE_TEXT.format(first=first, uri=hypervisor.uri, **facts))
    return 0


def _down(arguments: argparse.Namespace) -> int:
    for name in standing_labs() if arguments.all else [arguments.name]:
        take_down(name)
        print(f"lab {name} is gone")
    return 0


def _list(_arguments: argparse.Namespace) -> int:
    standing = standing_labs()
    for name, machines in living().items():
        print(f"{name} ({'standing' if name in standing else 'owned'}): {' '.join(machines)}")
    return 0


def _shell(arguments: argparse.Namespace) -> int:
    machine = Process.read(LABS / arguments.name / arguments.host / "pid")
    if not machine.alive():
        raise ValueError(f"{arguments.host} of lab {arguments.name} is dead")
    command = machine.enter("bash", "--login")
    os.execvpe(command[0], command, {**ENVIRONMENT, "TERM": os.environ.get("TERM", "dumb")})


if __name__ == "__main__":
    sys.exit(main())
