"""``qa-engine list``."""

from __future__ import annotations

from contextlib import closing

from qa_engine.cli.options import CollectionOption, ConfigOption, JsonOption, StorageOption, load_config
from qa_engine.cli.output import print_json, results


def list_files(
    collection: CollectionOption = None,
    storage: StorageOption = None,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """List the files of a collection: pages, sentences, when they were ingested, copies, and which are gone."""
    settings = load_config(config)
    from qa_engine.index.catalog import Catalog
    from qa_engine.index.collection import require_collection
    from qa_engine.ingestion.files.info import list_files as listed

    name = collection if collection is not None else settings.collection
    paths = require_collection(storage if storage is not None else settings.storage, name)
    with closing(Catalog(paths.catalog)) as catalog:
        files = listed(catalog)
    if json:
        print_json({"collection": name, "files": [file.to_dict() for file in files]})
        return
    console = results()
    if not files:
        console.print(f"{name} holds no file: qa-engine ingest PATH brings some in.", markup=False)
        return
    from rich.table import Table
    from rich.text import Text

    table = Table()
    numbers = {"pages", "sentences"}
    for key in ("file", "pages", "sentences", "ingested", "copies", "notes"):
        table.add_column(key, justify="right" if key in numbers else "left")
    for file in files:
        cells = (
            file.file,
            str(file.pages),
            str(file.nodes),
            file.ingested_at,
            ", ".join(file.copies),
            f"gone from {file.path}" if file.gone else "",
        )
        table.add_row(*map(Text, cells))
    console.print(table)
    pages, sentences = sum(file.pages for file in files), sum(file.nodes for file in files)
    many = "1 file" if len(files) == 1 else f"{len(files)} files"
    console.print(f"{many}, {pages} pages, {sentences} sentences", markup=False)


def collections(storage: StorageOption = None, json: JsonOption = False, config: ConfigOption = None) -> None:
    """List the collections of a storage folder."""
    from rich.table import Table

    from qa_engine.index.catalog import Catalog
    from qa_engine.index.collection import collection_paths, list_collections

    root = storage if storage is not None else load_config(config).storage
    rows = []
    for name in list_collections(root):
        catalog = Catalog(collection_paths(root, name).catalog)
        try:
            files = catalog.files().values()
            model = (catalog.identity or {}).get("model", "")
            rows.append(
                {
                    "collection": name,
                    "files": len(files),
                    "pages": sum(file.pages for file in files),
                    "nodes": catalog.node_count(),
                    "embedding": model,
                }
            )
        finally:
            catalog.close()
    if json:
        print_json({"storage": str(root), "collections": rows})
        return
    if not rows:
        results().print(f"There is no collection in {root}: qa-engine ingest PATH makes one.", markup=False)
        return
    table = Table()
    for key in rows[0]:
        table.add_column(key, justify="right" if key in {"files", "pages", "nodes"} else "left")
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    results().print(table)
