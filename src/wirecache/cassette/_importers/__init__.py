"""Other recorders' cassettes, read as entries: one module a recorder."""
