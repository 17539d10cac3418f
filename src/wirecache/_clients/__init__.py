"""The ways in which HTTP clients get a cache."""
