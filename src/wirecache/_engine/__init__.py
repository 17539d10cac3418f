"""The engine: runs a flow for each request, and notifies the observers of the outcome."""
