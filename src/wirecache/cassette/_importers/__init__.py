"""Reads other recorders' cassettes as entries: one module per recorder."""
