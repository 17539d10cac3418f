"""What the transports of both HTTP libraries, sync and async, share."""
