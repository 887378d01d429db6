"""The authors of a paper stand between its title and its abstract."""

from __future__ import annotations

from qa_engine.documents.blocks import Block, Line, Page, Role
from qa_engine.documents.pages.front_matter import mark_authors


def block(role: Role, *texts: str, size: float = 10) -> Block:
    return Block(role, [Line(text, 1, 50, 100, 300, 110, size, 0) for text in texts])


def roles(*blocks: Block) -> list[str]:
    page = Page(1, 600, 800, "fast", list(blocks))
    mark_authors([page])
    return [f"{one.role}: {one.lines[0].text}" for one in page.blocks]


TITLE = block(Role.HEADING, "Drift of Buoys", size=17)


def test_no_pages() -> None:
    mark_authors([])


def test_names_and_addresses_before_the_abstract_are_the_authors() -> None:
    assert roles(
        block(Role.HEADING, "HARBOUR LETTERS", size=11),
        TITLE,
        block(Role.BODY, "Ada Lund, Bo Strand"),
        block(Role.HEADING, "Harbour Lab"),
        block(Role.BODY, "The buoys were lent by the harbour of the town."),
        block(Role.HEADING, "Abstract"),
        block(Role.BODY, "Bo Strand"),
    ) == [
        "heading: HARBOUR LETTERS",
        "heading: Drift of Buoys",
        "authors: Ada Lund, Bo Strand",
        "authors: Harbour Lab",
        "body: The buoys were lent by the harbour of the town.",
        "heading: Abstract",
        "body: Bo Strand",
    ]


def test_abstract_may_begin_inside_a_block() -> None:
    given = block(Role.BODY, "Harbour Lab, ada@example.org", "Abstract. Buoys drift far in a gale.")
    assert roles(TITLE, block(Role.HEADING, "林舟 高 帆"), given) == [
        "heading: Drift of Buoys",
        "authors: 林舟 高 帆",
        "authors: Harbour Lab, ada@example.org",
        "body: Abstract. Buoys drift far in a gale.",
    ]


def test_files_without_an_abstract_or_a_title_stay() -> None:
    names = block(Role.BODY, "Ada Lund, Bo Strand")
    assert roles(TITLE, names) == ["heading: Drift of Buoys", "body: Ada Lund, Bo Strand"]
    assert roles(names, block(Role.BODY, "摘要：浮标漂得更远。"))[0] == "body: Ada Lund, Bo Strand"
