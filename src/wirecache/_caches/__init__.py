"""What people hold: ``Cache``, ``Cassette``, the options of a block and its captures."""
