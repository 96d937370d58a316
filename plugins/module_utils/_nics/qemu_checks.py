# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What libvirt refuses of an interface of QEMU's guests, and takes of others, as containers are.

Read in libvirt 9.0 (qemuValidateDomainDeviceDefNetwork), tried with 7.0 to 12.8.
"""

from __future__ import annotations

from collections.abc import Iterator

from .._schema.interface import VIRTIO
from .._values.check import Checks, Context
from .._xml.fields import Spec

CHECKS = Checks()
_ONLY_FOR = {
    "mtu": ("network", "bridge", "ethernet", "vhostuser"),
    "coalesce": ("network", "bridge"),
    # The range that QEMU, or passt, takes the guest's address from.
    "ips": ("user", "vhostuser"),
    "routes": (),
}
_PREFIXES = {False: (4, 27), True: (64, 64)}


@CHECKS
def qemu_problems(spec: Spec, context: Context) -> Iterator[str]:
    """What is wrong with the interface of a guest of QEMU's."""
    name = context.name
    if context.driver != "QEMU":
        return
    kind, model = spec.get("type", ""), spec.get("model", {}).get("type")
    for option, kinds in _ONLY_FOR.items():
        if spec.get(option) and kind not in kinds:
            yield f"{name}.{option}: QEMU has it {'only with type ' + ', '.join(kinds) if kinds else 'with no type'}"
    if kind == "vdpa" and model not in VIRTIO:
        yield f"{name} needs model.type virtio, being of type vdpa"
    for option in ("rx_queue_size", "tx_queue_size"):
        size = spec.get("driver", {}).get(option, 1)
        if size & (size - 1):
            yield f"{name}.driver.{option} must be a power of two: {size}"
    if kind in _ONLY_FOR["ips"]:
        yield from _ranges(spec, name)


def _ranges(spec: Spec, name: str) -> Iterator[str]:
    families: list[bool] = []
    for index, ip in enumerate(spec.get("ips", [])):
        place, six = f"{name}.ips[{index}]", ":" in ip.get("address", "")
        if "peer" in ip:
            yield f"{place}.peer: QEMU has none"
        if six in families:
            yield f"{place}: QEMU takes one address of a family"
        least, most = _PREFIXES[six]
        if ip.get("prefix") and not least <= ip["prefix"] <= most:
            yield f"{place}.prefix must be {least if least == most else f'{least} to {most}'}: {ip['prefix']}"
        families.append(six)
