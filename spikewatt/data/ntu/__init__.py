"""NTU RGB+D and NTU RGB+D 120: names and splits, raw skeleton files, actors, arrays."""
