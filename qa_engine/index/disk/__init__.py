"""Files of a collection on this machine: written whole or not at all, opened as SQLite, and kept from a second writer."""
