"""Measures on a lab of its own. It never fails for a time: machines are too different."""

from __future__ import annotations

import sys

from tests.bench import closures, diagnosis, entries, inventory, networks, replug
from tests.bench.plays import Bench
from tests.lab import Lab, LabUnavailable


def main() -> int:
    """All measurements, printed as they come."""
    print("Closures")
    closures.of_modules()
    print("Inventory of guests")
    inventory.of_guests()
    try:
        with Lab() as lab:
            lab.start("hv1", root="host")
            bench = Bench(lab)
            print("Networks")
            networks.nothing_to_do(bench)
            networks.second_run(bench)
            networks.thirty(bench)
            networks.three_hundred(bench)
            print("Single entries")
            entries.thousands(bench)
            entries.names(bench)
            entries.under_a_guest(bench)
            print("Diagnosis")
            diagnosis.of_many_nics(bench)
            print("Restarts under guests")
            replug.under_guests(bench)
    except LabUnavailable as lacking:
        print(f"Nothing can be measured here: {lacking}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
