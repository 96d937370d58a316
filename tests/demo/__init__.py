"""The demonstration behind `make demo`: a small fleet of real hypervisors, and the collection at work on it."""
