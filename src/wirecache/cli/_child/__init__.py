"""The folder that ``wirecache run`` puts on the path of the program and its children."""
