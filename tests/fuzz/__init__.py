"""Which input breaks wirecache, or lets two of its parts disagree? ``python -m tests.fuzz`` searches; what it finds becomes a fixture."""
