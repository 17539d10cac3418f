"""Running flows, event loops, forks, exit, and warnings: one of each."""
