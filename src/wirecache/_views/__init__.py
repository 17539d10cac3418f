"""How are entries and statistics shown? In words and as JSON, for the command line and for pages alike."""
