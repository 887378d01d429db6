"""The ``qa-engine`` command."""

from qa_engine.cli.app import main

__all__ = ["main"]
