"""The simulator: virtual time, faults, exploration."""
