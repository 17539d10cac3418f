"""How fast are wirecache and the other caches and recorders, measured in turns in one run? ``make bench-peers`` answers it."""
