"""What does the pytest plugin do, once a test uses it? Nothing of this is imported before."""
