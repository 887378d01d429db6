"""``qa-engine collections``."""

from __future__ import annotations

from qa_engine.cli.options import ConfigOption, JsonOption, StorageOption, load_config
from qa_engine.cli.output import print_json, results


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
