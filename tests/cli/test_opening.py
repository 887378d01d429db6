"""A command opens an engine without the checks that libraries make of themselves, and leaves the libraries whole."""

from __future__ import annotations

from processes import run_python


def test_chroma_is_imported_unchecked_and_its_decorators_are_put_back() -> None:
    run_python(
        "import overrides\n"
        "before = overrides.override, overrides.overrides\n"
        "from qa_engine.cli.opening import _import_chroma_unchecked\n"
        "_import_chroma_unchecked()\n"
        "import chromadb.api.client as client\n"
        "assert client.Client.get_collection.__override__\n"
        "assert (overrides.override, overrides.overrides) == before\n"
        "chromadb = __import__('chromadb')\n"
        "assert chromadb.EphemeralClient().create_collection('check').count() == 0\n"
    )


def test_chroma_without_those_decorators_is_imported() -> None:
    run_python(
        "import sys\n"
        "sys.modules['overrides'] = None\n"
        "from qa_engine.cli.opening import _import_chroma_unchecked\n"
        "_import_chroma_unchecked()\n"
        "assert 'chromadb' not in sys.modules\n"
    )
