"""The lab's error for a machine that cannot run it. No test turns it into a skip: what is not tested is not green."""

from __future__ import annotations


class LabUnavailable(Exception):
    """The machine cannot give what was asked of the lab; the text says why and what to do."""
