# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures drawn by Graphviz, where this machine has it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree as ET

SECONDS = 60  # for one picture
SVG = "{http://www.w3.org/2000/svg}"
# What is kept of a picture: shapes, texts and classes. The page gives colours; no link, script or style gets through.
TAGS = set("svg g path polygon polyline ellipse text".split())
ATTRIBUTES = set(
    "width height viewBox class transform d points x y cx cy rx ry text-anchor font-size font-weight"
    " stroke-dasharray".split()
)


def draw(graphs: Mapping[str, str]) -> dict[str, str]:
    """SVG to put into a page, by the name of the graph; without those that cannot be drawn."""
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        found = zip(graphs, threads.map(_draw, graphs.values()))
        return {name: svg for name, svg in found if svg}


def _draw(graph: str) -> str:
    dot = shutil.which("dot")
    if not dot:
        return ""
    try:
        done = subprocess.run([dot, "-Tsvg"], input=graph.encode(), capture_output=True, check=True, timeout=SECONDS)
        return ET.tostring(_kept(ET.fromstring(done.stdout)), encoding="unicode")  # noqa: S314 - dot's, of escaped names
    except (OSError, subprocess.SubprocessError, ET.ParseError):
        return ""


def _kept(element: ET.Element) -> ET.Element:
    attributes = {name: value for name, value in element.attrib.items() if name in ATTRIBUTES}
    kept = ET.Element(element.tag.removeprefix(SVG), attributes)
    kept.text = element.text
    kept.extend(_kept(child) for child in element if child.tag.removeprefix(SVG) in TAGS)
    return kept
