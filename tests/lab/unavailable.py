"""The one error of the lab that a test may turn into a skip."""

from __future__ import annotations


class LabUnavailable(Exception):
    """The machine cannot give what was asked of the lab; the text says why and what to do."""
