"""Vectors that a rebuild has replaced: noted in the catalog with the rebuild, deleted afterwards."""

from __future__ import annotations

import json
from dataclasses import asdict

from qa_engine.config import IndexConfig
from qa_engine.index.catalog import Catalog
from qa_engine.index.chroma import VectorPlace, drop_place
from qa_engine.index.collection import CollectionPaths

_FORMER = "former_vectors"
"""Fact of the catalog: what is to be deleted."""


def leave_behind(catalog: Catalog, place: VectorPlace | None, tokens: str) -> None:
    """Notes what is to be deleted; see `drop_former`.

    Args:
        catalog: of the collection.
        place: of the vectors; None if they stay.
        tokens: name of the file of token vectors; empty if they stay.
    """
    former = json.loads(catalog.meta(_FORMER) or "[]")
    former.append({"place": asdict(place) if place is not None else None, "token_file": tokens})
    catalog.set_meta(**{_FORMER: json.dumps(former)})


def drop_former(catalog: Catalog, where: CollectionPaths, config: IndexConfig) -> None:
    """Deletes vectors that a rebuild has replaced, or that one which was given up has made.

    Raises:
        ServiceUnavailableError: they are on a Chroma server that does not answer.
    """
    for former in json.loads(catalog.meta(_FORMER) or "[]"):
        if former["place"] is not None:
            drop_place(where, VectorPlace(**former["place"]), config, catalog.published)
        if former["token_file"]:
            (where.root / former["token_file"]).unlink(missing_ok=True)
    if catalog.meta(_FORMER):
        catalog.set_meta(**{_FORMER: ""})
