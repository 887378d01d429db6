"""What a storage notes while a collection is moved into it or out of it, so that a move that was cut off is completed.

A collection is in one place for readers at every instant: it appears in the new place in one step, when it is whole there,
and whoever writes to it is refused from just before that step until the old place is empty.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import shlex
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from qa_engine.errors import ConfigurationError
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import CollectionPaths
from qa_engine.index.vectors.chroma_folder import chroma_turn

_MOVING_TO = "moving_to"
"""Fact of the catalog of a collection in a storage that is moved away."""
_DEPARTED = "departed-"
"""What folders begin with that are being deleted."""
_ATTEMPTS = 20
_MOVED_FROM = "moved_from"
"""Fact of the catalog of a collection that was moved into a storage, until the old place is empty."""


@dataclass(frozen=True)
class Departure:
    """A move out of a storage that is under way.

    Attributes:
        mark: that the collection has in the search engine.
        url: address of the search engine.
        switched: whether it may be active there; from then on, nobody writes to it here.
    """

    mark: str
    url: str
    switched: bool = False

    @classmethod
    def of(cls, catalog: Catalog) -> Departure | None:
        """What the catalog notes of a move out of the storage; None if none is under way."""
        facts = json.loads(catalog.meta(_MOVING_TO) or "null")
        return cls(**facts) if facts else None

    def record(self, catalog: Catalog) -> None:
        """Notes it in the catalog."""
        catalog.set_meta(**{_MOVING_TO: json.dumps(asdict(self))})

    @staticmethod
    def forget(catalog: Catalog) -> None:
        """The move was given up."""
        catalog.set_meta(**{_MOVING_TO: ""})


@dataclass(frozen=True)
class Arrival:
    """A move into a storage that is under way, or whose old place is not empty yet.

    Attributes:
        mark, indices: of the collection in the search engine.
        url: address of the search engine.
        vector_collection, vector_url: name of the collection on a Chroma server, and the address of that; empty if there
            are no vectors.
    """

    mark: str
    indices: str
    url: str
    vector_collection: str = ""
    vector_url: str = ""

    @classmethod
    def of(cls, catalog: Catalog) -> Arrival | None:
        """What the catalog notes of the old place of its collection; None if that is empty."""
        facts = json.loads(catalog.meta(_MOVED_FROM) or "null")
        return cls(**facts) if facts else None

    def record(self, catalog: Catalog) -> None:
        """Notes it in the catalog."""
        catalog.set_meta(**{_MOVED_FROM: json.dumps(asdict(self))})

    @staticmethod
    def forget(catalog: Catalog) -> None:
        """The old place is empty."""
        catalog.set_meta(**{_MOVED_FROM: ""})


def arriving_catalog(paths: CollectionPaths) -> Path:
    """The file of the catalog of a collection that is being moved into the storage."""
    return paths.root / "arriving.sqlite"


def departed_catalog(paths: CollectionPaths) -> Path:
    """The file of the catalog of a collection that was moved out of the storage, until all its parts are deleted."""
    return paths.root / "departed.sqlite"


def put_in_place(file: Path, place: Path) -> None:
    """Has a closed file of a catalog be another one, at once, and whenever the machine stops.

    Raises:
        OSError: it cannot be renamed.
    """
    file.replace(place)
    with suppress(OSError):  # not every system opens folders
        folder = os.open(place.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def delete_parts(paths: CollectionPaths) -> None:
    """Deletes the vectors, the token vectors and the BM25 index in the folder of a collection, without its catalogs.

    Raises:
        OSError: something cannot be deleted.
    """
    with chroma_turn(paths.chroma):  # nobody is just opening it
        for folder in (paths.chroma, paths.bm25, paths.root / "chroma.kept"):
            if folder.exists():
                folder.rename(paths.root / f"{_DEPARTED}{secrets.token_hex(4)}")
    for folder in paths.root.glob(f"{_DEPARTED}*"):
        _delete_folder(folder)
    for file in paths.root.glob("tokens-*"):
        file.unlink(missing_ok=True)
    (paths.root / "chroma.turn").unlink(missing_ok=True)


def _delete_folder(folder: Path) -> None:
    """Deletes a folder into which a reader that is still open may write."""
    for attempt in range(_ATTEMPTS):
        try:
            shutil.rmtree(folder)
            return
        except FileNotFoundError:
            continue
        except OSError as error:
            if error.errno != errno.ENOTEMPTY or attempt == _ATTEMPTS - 1:
                raise


def require_staying(catalog: Catalog, name: str) -> None:
    """Refuses to write to a collection of a storage that is being moved away.

    Raises:
        ConfigurationError: it is.
    """
    departure = Departure.of(catalog)
    if departure is not None and departure.switched:
        raise ConfigurationError(
            f"The collection {name!r} is being moved from {catalog.path.parent} to the search engine at {departure.url}: "
            "set index.search_url to that, and complete the move with "
            f"qa-engine move --collection {shlex.quote(name)}."
        )
