"""The decisions, and nothing else: no clock, socket, file, logger, thread or event loop is known here."""
