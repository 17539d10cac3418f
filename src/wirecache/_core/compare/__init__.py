"""Comparison of requests, answers and runs, and the selection of entries."""
