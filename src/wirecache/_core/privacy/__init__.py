"""Secrets: the names and patterns by which they are recognised, their redaction, and the search for leaks."""
