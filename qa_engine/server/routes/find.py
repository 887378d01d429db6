"""A text looked for in one file."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from qa_engine.server.access import Reader
from qa_engine.server.documents.finding import FoundSentence, find_in_document
from qa_engine.server.problems import problem_responses
from qa_engine.server.routes.citations import BoxObject
from qa_engine.server.routes.parameters import Collection, FileId
from qa_engine.server.state import ServerState, State

router = APIRouter(prefix="/api/v1/collections/{collection}/files/{file_id}", tags=["files"])


class HitObject(BaseModel):
    """A sentence that holds what was looked for.

    Attributes:
        id: which citations name it by.
        text: of it.
        start: the first character of the text that was found, from 0.
        end: the character behind the last one.
        page: that the sentence begins on, from 1.
        page_end: that it ends on.
        boxes: of its lines.
    """

    id: str
    text: str
    start: int
    end: int
    page: int
    page_end: int
    boxes: list[BoxObject]


class Hits(BaseModel):
    """Where a text stands in a file.

    Attributes:
        data: the sentences that hold it, in order.
        more: whether there are more of them than were asked for.
    """

    data: list[HitObject]
    more: bool


@router.get("/find", responses=problem_responses("not_found", "storage_unavailable"))
async def find(
    collection: Collection,
    file_id: FileId,
    state: State,
    access: Reader,
    q: Annotated[str, Query(min_length=1, max_length=200, description="What to look for.")],
    limit: Annotated[int, Query(ge=1, le=500, description="Sentences, at most.")] = 100,
) -> Hits:
    """Finds a text in the sentences of a file.

    Case and width make no difference, nor do blanks beside Chinese characters.
    """
    access.require([collection])
    hits, more = await state.read_files(_find, state, collection, file_id, q, limit)
    return Hits(
        data=[
            HitObject(
                id=hit.id,
                text=hit.text,
                start=hit.start,
                end=hit.end,
                page=hit.page,
                page_end=hit.page_end,
                boxes=[BoxObject(**box._asdict()) for box in hit.boxes],
            )
            for hit in hits
        ],
        more=more,
    )


def _find(
    state: ServerState, collection: str, identifier: str, wanted: str, limit: int
) -> tuple[list[FoundSentence], bool]:
    with state.catalogs.opened(collection) as catalog:
        record = state.catalogs.file(catalog, collection, identifier)
        return find_in_document(catalog, record.document_id, wanted, limit)
