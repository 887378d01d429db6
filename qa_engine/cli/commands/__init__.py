"""The sub-commands of ``qa-engine``."""
