"""``qa-engine list`` and ``qa-engine collections``."""

from __future__ import annotations

from dataclasses import asdict

from qa_engine.cli.opening import open_catalog
from qa_engine.cli.options import CollectionOption, ConfigOption, JsonOption, StorageOption, load_config
from qa_engine.cli.output import print_json, print_table, results
from qa_engine.text.control_characters import show_controls_on_line


def list_files(
    collection: CollectionOption = None,
    storage: StorageOption = None,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """List the files of a collection.

    Shows their pages, sentences, dates and copies, and which files no longer exist.
    """
    settings = load_config(config)
    from qa_engine.cli.display.files import show_files
    from qa_engine.ingestion.files.info import list_files as files_of

    name = collection if collection is not None else settings.collection
    with open_catalog(settings, storage, collection) as catalog:
        files = files_of(catalog)
    if json:
        print_json({"collection": name, "files": [file.to_dict() for file in files]})
    else:
        show_files(files, name)


def collections(storage: StorageOption = None, json: JsonOption = False, config: ConfigOption = None) -> None:
    """List the collections of the storage folder or, if one is configured, of the search engine."""
    settings = load_config(config)
    from qa_engine.index.opening import collection_names
    from qa_engine.ingestion.collections import collection_summary

    root, index = storage if storage is not None else settings.storage, settings.index
    rows = [asdict(collection_summary(root, name, index)) for name in collection_names(root, index)]
    if json:
        print_json({"storage": str(root), "collections": rows})
        return
    if not rows:
        place = f"the search engine at {index.search_url}" if index.search_url is not None else str(root)
        results().print_line(f"There is no collection in {place}: run qa-engine ingest PATH to make one.")
        return
    print_table(
        rows[0],
        (map(show_controls_on_line, map(str, row.values())) for row in rows),
        {"files", "pages", "nodes"},
    )
