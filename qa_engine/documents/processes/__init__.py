"""Processes of the package's own, in which files are read within limits of time and memory."""
