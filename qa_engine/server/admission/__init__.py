"""Who gets in, and how much of it: hosts, origins, keys, rates, bodies and connections."""
