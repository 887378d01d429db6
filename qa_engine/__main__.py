"""``python -m qa_engine`` is the ``qa-engine`` command."""

from qa_engine.cli.app import main

if __name__ == "__main__":
    main()
