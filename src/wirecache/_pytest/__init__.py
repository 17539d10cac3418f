"""The pytest plugin's work on cassettes, not imported before a test uses one."""
