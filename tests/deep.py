"""How much of a test that takes long is run: a sample in `make test`, everything in `make test-deep` (DEEP=1)."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")

DEEP = os.environ.get("DEEP") == "1"
# Samples are the same in every run, so that main stays green; a deep run has a seed of its own and prints it.
SEED = int(os.environ.get("SEED", "0"))


def amount(sample: int, whole: int) -> int:
    """Return how many cases to try: `sample`, or in a deep run `whole`."""
    return whole if DEEP else sample


def sampled(items: Sequence[Item], size: int, salt: object = "") -> list[Item]:
    """Return `size` of the items, in their order and chosen by SEED and `salt`, or in a deep run all of them."""
    if DEEP or len(items) <= size:
        return list(items)
    places = sorted(random.Random(f"{SEED} {salt}").sample(range(len(items)), size))
    return [items[place] for place in places]
