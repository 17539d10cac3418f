"""The settings: where they come from, and their validation."""
