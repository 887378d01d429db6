"""Documents in, sentence nodes out: deterministic ids, pages, places."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.schema import Document, MetadataMode, NodeRelationship
from pdf_factory import KEY_SENTENCE, chinese_pdf, llama_paper

from qa_engine.documents.blocks import Span
from qa_engine.documents.pdf_document import PdfDocument
from qa_engine.documents.reader import PdfReader
from qa_engine.documents.sentences.node_ids import node_id, split_node_id
from qa_engine.documents.sentences.node_parser import (
    METADATA_KEYS,
    SentenceNodeParser,
    lines_between,
)


def parse(document: Document, **settings: int) -> list:
    return SentenceNodeParser(**settings).get_nodes_from_documents([document])


def document(*lines: tuple[str, int]) -> PdfDocument:
    """A document of lines, each with its page."""
    text, spans = "", []
    for line, page in lines:
        spans.append(Span(len(text), len(text) + len(line), page, 0, 0, 1, 1))
        text += line
    return PdfDocument(
        text=text, spans=spans, id_="doc", metadata={"file_name": "a.pdf", "file_path": "/a.pdf"}
    )


def test_ids_are_the_document_and_the_number_of_the_sentence() -> None:
    nodes = parse(document(("第一句话在这里。第二句话在这里。", 1)))
    assert [node.node_id for node in nodes] == ["doc-0000000", "doc-0000001"]


def test_ids_are_the_same_at_every_run() -> None:
    of = document(("第一句话在这里。第二句话在这里。", 1))
    assert [node.node_id for node in parse(of)] == [node.node_id for node in parse(of)]


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), st.integers(0, 10**7 - 1))
def test_node_id_and_split_are_inverse(document_id: str, ordinal: int) -> None:
    assert split_node_id(node_id(document_id, ordinal)) == (document_id, ordinal)


@given(st.lists(st.integers(0, 10**7 - 1), max_size=20))
def test_ids_sort_like_sentences(ordinals: list[int]) -> None:
    assert sorted(node_id("d", n) for n in ordinals) == [node_id("d", n) for n in sorted(ordinals)]


def test_sentence_over_a_page_break_has_both_pages() -> None:
    nodes = parse(document(("第一页的完整句子。被分页", 3), ("切断的句子。第四页的句子在这里。", 4)))
    assert [(n.metadata["page"], n.metadata["page_end"]) for n in nodes] == [(3, 3), (3, 4), (4, 4)]


def test_sentence_that_ends_with_its_page_does_not_touch_the_next() -> None:
    nodes = parse(document(("这一句在第一页结束。", 1), ("这一句在第二页开始。", 2)))
    assert [(n.metadata["page"], n.metadata["page_end"]) for n in nodes] == [(1, 1), (2, 2)]


def test_text_of_a_node_is_its_range_of_the_document() -> None:
    of = document(("One sentence. Another  one! ", 1), ("结尾的句子在这里。", 2))
    for node in parse(of):
        assert node.text == of.text[node.start_char_idx : node.end_char_idx]


def test_metadata_is_lean_and_hidden_from_embedding_and_model() -> None:
    (node,) = parse(document(("只有一句话而已。", 1)))
    assert list(node.metadata) == ["file_name", "page", "page_end", "paragraph"]
    assert set(node.metadata) < set(METADATA_KEYS)
    assert node.get_content(metadata_mode=MetadataMode.EMBED) == "只有一句话而已。"
    assert node.get_content(metadata_mode=MetadataMode.LLM) == "只有一句话而已。"


def test_node_knows_its_document() -> None:
    (node,) = parse(document(("只有一句话而已。", 1)))
    assert node.ref_doc_id == "doc"
    assert node.relationships[NodeRelationship.SOURCE].node_id == "doc"


def test_document_without_places_is_parsed_without_pages() -> None:
    (node,) = parse(Document(text="A plain document.", id_="plain"))
    assert "page" not in node.metadata
    assert node.metadata["file_name"] == ""


def test_parser_is_a_transformation_for_any_document_of_llamaindex() -> None:
    documents = [
        Document(
            text="第一句话在这里。第二句话在这里。", id_="a", metadata={"file_name": "a.txt", "author": "x"}
        ),
        Document(text="Another document.\nIts second paragraph.", id_="b"),
    ]
    nodes = IngestionPipeline(transformations=[SentenceNodeParser()], disable_cache=True).run(
        documents=documents
    )
    assert [(node.node_id, node.metadata["paragraph"]) for node in nodes] == [
        ("a-0000000", 0),
        ("a-0000001", 0),
        ("b-0000000", 0),
        ("b-0000001", 1),
    ]
    assert [node.metadata["file_name"] for node in nodes] == ["a.txt", "a.txt", "", ""]
    assert all(set(node.metadata) == {"file_name", "paragraph"} for node in nodes)
    assert all(node.get_content(MetadataMode.EMBED) == node.text for node in nodes)


def test_empty_document_has_no_nodes() -> None:
    assert parse(document(("", 1))) == []


def test_longest_sentence_is_a_parameter() -> None:
    nodes = parse(document(("长" * 130, 1)), max_sentence_chars=50)
    assert [len(node.text) for node in nodes] == [44, 43, 43]


def test_parameter_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="max_sentence_chars"):
        SentenceNodeParser(max_sentence_chars=3)


def test_paper_gives_the_key_sentence_as_one_node_on_two_pages(tmp_path: Path) -> None:
    (paper,) = PdfReader().load_data(llama_paper(tmp_path / "llama.pdf"))
    (node,) = [node for node in parse(paper) if node.text == KEY_SENTENCE]
    assert (node.metadata["page"], node.metadata["page_end"]) == (2, 3)


def test_pages_of_a_real_file_do_not_go_back(tmp_path: Path) -> None:
    (of,) = PdfReader().load_data(chinese_pdf(tmp_path / "a.pdf", lines_per_page=2))
    pages = [(n.metadata["page"], n.metadata["page_end"]) for n in parse(of)]
    assert pages == sorted(pages)
    assert all(first <= last for first, last in pages)
    assert any(first < last for first, last in pages)


_lines = st.lists(
    st.tuples(st.text("西湖。a. \n", min_size=1, max_size=15), st.integers(0, 1)), min_size=1, max_size=12
)


@given(_lines)
def test_page_of_a_node_is_the_page_of_its_first_and_last_character(lines: list[tuple[str, int]]) -> None:
    page, paged = 1, []
    for text, step in lines:
        page += step
        paged.append((text, page))
    of = document(*paged)
    page_of = [number for text, number in paged for _ in text]
    for node in parse(of):
        assert node.metadata["page"] == page_of[node.start_char_idx]
        assert node.metadata["page_end"] == page_of[node.end_char_idx - 1]


def test_lines_between_are_those_that_the_range_touches() -> None:
    spans = document(("0123456789", 1), ("abcdefghij", 1), ("ABCDEFGHIJ", 2)).spans
    assert [span.start for span in lines_between(spans, 0, 10)] == [0]
    assert [span.start for span in lines_between(spans, 9, 11)] == [0, 10]
    assert [span.start for span in lines_between(spans, 10, 30)] == [10, 20]
    assert lines_between([], 0, 10) == []
