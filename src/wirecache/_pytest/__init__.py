"""What does the pytest plugin do in a run with cassettes? Nothing of this is imported before a test uses it."""
