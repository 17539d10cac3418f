"""The public objects: ``Cache``, ``Cassette``, the options of a block and its captures."""
