"""The measurements behind `make bench`: ratios within one run, with the goals beside them."""
