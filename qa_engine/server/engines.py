"""The engines of the server: one for each set of collections that is asked, opened when it is needed first."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from threading import Condition, Lock

from qa_engine.config import Config
from qa_engine.engine import QueryEngine
from qa_engine.index.opening import collection_identity, open_catalog
from qa_engine.index.vectors.locations import VectorLocation
from qa_engine.server.problems import ProblemError

logger = logging.getLogger("qa_engine.server")

_Identity = tuple[Hashable, ...]


@dataclass
class _Opened:
    """An engine, and how many questions use it.

    Attributes:
        engine: it.
        identity: of the collections that it reads, see `collection_identity`: one that was made anew has another.
        users: the questions in work.
        dropped: whether the last user closes it.
    """

    engine: QueryEngine
    identity: _Identity
    users: int = 0
    dropped: bool = False


@dataclass
class Engines:
    """Opens engines and keeps the last few. Thread-safe; its methods block, so call them from threads.

    Attributes:
        config: the settings of all engines, with the storage.
        default: the collections that are asked if a question names none.
        most: how many engines stay open at a time.
    """

    config: Config
    default: tuple[str, ...]
    most: int = 8
    _opened: OrderedDict[tuple[str, ...], _Opened] = field(default_factory=OrderedDict)
    _locks: dict[tuple[str, ...], Lock] = field(default_factory=dict)
    _changed: Condition = field(default_factory=Condition)

    @contextmanager
    def engine(self, collections: Sequence[str] = ()) -> Iterator[QueryEngine]:
        """The engine for some collections; it stays open at least until the block ends.

        Args:
            collections: their names; none for the default ones.

        Raises:
            CollectionNotFoundError, ConfigurationError, ModelUnavailableError, StorageError, ServiceUnavailableError: as
                `QueryEngine.open`.
            ProblemError: ``nothing_ingested``.
        """
        opened = self.take(collections)
        try:
            yield opened.engine
        finally:
            self.give_back(opened)

    def take(self, collections: Sequence[str] = ()) -> _Opened:
        """The engine with a user more; `give_back` takes the user off."""
        key = tuple(dict.fromkeys(collections)) or self.default
        identity = self._identity(key)
        with self._changed:
            lock = self._locks.setdefault(key, Lock())
        with lock:
            with self._changed:
                opened = self._opened.get(key)
                if opened is not None and opened.identity == identity:
                    self._opened.move_to_end(key)
                    opened.users += 1
                    return opened
            self._require_content(key)
            made = _Opened(QueryEngine.open(collection=key, config=self.config), identity, users=1)
            with self._changed:
                stale = [self._opened.pop(key, None)]
                self._opened[key] = made
                while len(self._opened) > self.most:
                    stale.append(self._opened.popitem(last=False)[1])
        for one in stale:
            self._drop(one)
        return made

    def give_back(self, opened: _Opened) -> None:
        """Takes a user off an engine that `take` returned."""
        with self._changed:
            opened.users -= 1
            last = opened.dropped and not opened.users
        if last:
            opened.engine.close()

    def forget(self, collection: str) -> None:
        """Closes the engines over a collection as soon as nobody uses them, such as before the collection is deleted."""
        self._drop_where(lambda key: collection in key)

    def close(self) -> None:
        """Closes all engines; those in use by their last user."""
        self._drop_where(lambda key: True)

    def _drop_where(self, chosen: Callable[[tuple[str, ...]], bool]) -> None:
        with self._changed:
            dropped = [self._opened.pop(key) for key in list(self._opened) if chosen(key)]
        for one in dropped:
            self._drop(one)

    def _drop(self, opened: _Opened | None) -> None:
        if opened is None:
            return
        with self._changed:
            opened.dropped = True
            unused = not opened.users
        if unused:
            opened.engine.close()

    def _require_content(self, key: tuple[str, ...]) -> None:
        """Raises `ProblemError` for a collection of which nothing has been published yet."""
        for name in key:
            with closing(open_catalog(self.config.storage, name, self.config.index)) as catalog:
                # One that was made without files is published, and has no place for vectors.
                if not catalog.published or VectorLocation.of(catalog) is None:
                    raise ProblemError("nothing_ingested", f"The collection {name!r} holds nothing yet.")

    def _identity(self, key: tuple[str, ...]) -> _Identity:
        return tuple(collection_identity(self.config.storage, name, self.config.index) for name in key)
