"""The core: pure decisions, without clock, sockets, files, loggers, threads or event loops."""
