"""The runtime: running flows, event loops, threads, forks, exit, and warnings. One of each."""
