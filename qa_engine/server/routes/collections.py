"""The collections: which there are, new ones, and their end."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from qa_engine.errors import StorageError
from qa_engine.index.opening import collection_exists
from qa_engine.ingestion.collections import create_collection, remove_collection, summary_of
from qa_engine.server.access import Access, Administrator, Reader, Writer
from qa_engine.server.problems import ProblemError, problem_responses
from qa_engine.server.routes.parameters import Collection
from qa_engine.server.state import ServerState, State

router = APIRouter(prefix="/api/v1/collections", tags=["collections"])


class CollectionObject(BaseModel):
    """What a collection holds.

    Attributes:
        collection: its name.
        files: the number of its files.
        pages: the number of their pages.
        nodes: the number of their sentences, those of copies once.
        embedding: its embedding model; empty before its first file.
        readable: whether its catalog can be read; if not, the numbers are 0.
    """

    collection: str
    files: int = 0
    pages: int = 0
    nodes: int = 0
    embedding: str = ""
    readable: bool = True


class CollectionList(BaseModel):
    """The collections that the key may see, by name."""

    data: list[CollectionObject]


class NewCollection(BaseModel):
    """A collection to be made.

    Attributes:
        name: 1 to 200 printable characters; without a slash, which no address of the collection could hold.
    """

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=200, pattern=r"^[^/]*$")


@router.get("", responses=problem_responses("storage_unavailable"))
async def collections(state: State, access: Reader) -> CollectionList:
    """Lists the collections that the key may see."""
    return await state.read_files(_list, state, access)


@router.post(
    "",
    status_code=201,
    responses=problem_responses(
        "not_found", "already_exists", "misconfigured", "storage_busy", "storage_unavailable"
    ),
)
async def create(new: NewCollection, response: Response, state: State, access: Writer) -> CollectionObject:
    """Makes a collection without files. An upload also makes the one that it names."""
    access.require([new.name])
    state.require_accepting()
    return await state.change(_create, state, new.name)


@router.get("/{collection}", responses=problem_responses("not_found", "storage_unavailable"))
async def collection(collection: Collection, state: State, access: Reader) -> CollectionObject:
    """Tells what a collection holds."""
    access.require([collection])
    return await state.read_files(_summary, state, collection)


@router.delete(
    "/{collection}",
    status_code=204,
    responses=problem_responses("not_found", "storage_busy", "storage_unavailable"),
)
async def remove(collection: Collection, state: State, access: Administrator) -> None:
    """Removes a collection with all that it holds, the uploaded files as well."""
    access.require([collection])
    state.require_accepting()
    await state.change(_remove, state, collection)


def _list(state: ServerState, access: Access) -> CollectionList:
    found = []
    for name in filter(access.sees, state.catalogs.names()):
        try:
            found.append(_summary(state, name))
        except ProblemError:  # it was deleted meanwhile
            continue
        except StorageError:
            found.append(CollectionObject(collection=name, readable=False))
    return CollectionList(data=found)


def _summary(state: ServerState, name: str) -> CollectionObject:
    with state.catalogs.opened(name) as catalog:
        return CollectionObject(**asdict(summary_of(catalog, name)))


def _create(state: ServerState, name: str) -> CollectionObject:
    if collection_exists(state.config.storage, name, state.config.index):
        raise ProblemError("already_exists", f"There is a collection {name!r} already.")
    with state.jobs.turn(name, state.config.server.write_wait_seconds):
        return CollectionObject(**asdict(create_collection(name, config=state.config)))


def _remove(state: ServerState, name: str) -> None:
    with state.jobs.turn(name, state.config.server.write_wait_seconds):
        state.engines.forget(name)
        remove_collection(name, config=state.config)
    state.jobs.remove_unused_uploads()
    state.remove_unused_pages()
    state.citations.forget(name)
