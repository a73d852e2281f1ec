"""A simulated benchmark with a known truth, written as ordinary raw files."""
