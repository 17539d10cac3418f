"""The entries of a store, and everything around it: queued writes, single flight, leases, statistics in the store, budgets."""
