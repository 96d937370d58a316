# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures drawn by Graphviz, where this machine has it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from xml.etree import ElementTree as ET

from ...module_utils._hypervisor import command as _command

SECONDS = 60
BATCH = 16  # pictures of one process: it starts for longer than it draws one
SVG = "{http://www.w3.org/2000/svg}"
# What is kept of a picture: shapes, texts and classes. The page gives colours; no link, script or style gets through.
TAGS = set("svg g path polygon polyline ellipse text".split())
ATTRIBUTES = set(
    "width height viewBox class transform d points x y cx cy rx ry text-anchor font-size font-weight"
    " stroke-dasharray".split()
)


def draw(graphs: Mapping[str, str]) -> dict[str, str]:
    """SVG to put into a page, by the name of the graph; without those that cannot be drawn."""
    names = list(graphs)
    batches = [names[start : start + BATCH] for start in range(0, len(names), BATCH)]
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        drawn = threads.map(lambda batch: _draw([graphs[name] for name in batch]), batches)
        return {name: svg for name, svg in zip(names, chain.from_iterable(drawn)) if svg}


def _draw(graphs: Sequence[str]) -> list[str]:
    """The pictures of some graphs, "" for one that cannot be drawn."""
    pictures = _drawn("".join(graphs))
    if len(pictures) == len(graphs):
        return pictures
    return [""] if len(graphs) == 1 else [svg for graph in graphs for svg in _draw([graph])]


def _drawn(graphs: str) -> list[str]:
    dot = shutil.which("dot")
    if not dot:
        return []
    try:
        done = _command.run([dot, "-Tsvg"], text=graphs, check=True, seconds=SECONDS)
        # Names are escaped in it, so no picture begins in one.
        pictures = done.stdout.split("<?xml ")[1:]
        return [
            ET.tostring(_kept(ET.fromstring("<?xml " + one)), encoding="unicode")  # noqa: S314 - dot's, of escaped names
            for one in pictures
        ]
    except (OSError, subprocess.SubprocessError, ET.ParseError):
        return []


def _kept(element: ET.Element) -> ET.Element:
    attributes = {name: value for name, value in element.attrib.items() if name in ATTRIBUTES}
    kept = ET.Element(element.tag.removeprefix(SVG), attributes)
    kept.text = element.text
    kept.extend(_kept(child) for child in element if child.tag.removeprefix(SVG) in TAGS)
    return kept
