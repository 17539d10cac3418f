"""The entries of a store, and all that happens around it: queued writes, single flight, leases, kept statistics."""
