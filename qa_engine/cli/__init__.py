"""The ``qa-engine`` command."""
