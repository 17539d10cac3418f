"""Presentation of entries and statistics as text and JSON, shared by the command line and the pages."""
