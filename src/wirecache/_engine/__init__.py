"""Runs a flow for each request, and tells the observers what became of it."""
