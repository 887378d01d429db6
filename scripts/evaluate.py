"""Shim for `qa-engine evaluate`, for use from a checkout."""

from qa_engine.cli.app import run_script

if __name__ == "__main__":
    run_script("evaluate")
