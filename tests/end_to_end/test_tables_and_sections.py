"""From a PDF with a table to an answer: rows that can be read alone, the whole table for the model, the section."""

from __future__ import annotations

from pathlib import Path

import pymupdf
import pytest
from hash_embedding import HashEmbedding

from qa_engine import QueryEngine, ingest
from qa_engine.answering.llm.prompt import format_passages
from qa_engine.types import SENTENCES, TABLES

ROWS = [
    ("项目", "2022年", "2023年"),
    ("营业收入", "141,508", "141,703"),
    ("归母净利润", "-1,460", "249"),
    ("研发费用", "3,210", "3,555"),
]


def report_pdf(path: Path) -> Path:
    """A page with a heading, a paragraph and a ruled table."""
    document = pymupdf.open()
    page = document.new_page()
    page.insert_text((72, 90), "第三节 主要财务数据", fontname="china-s", fontsize=16)
    page.insert_text((72, 125), "公司最近两年的主要财务数据如下表所示。", fontname="china-s", fontsize=11)
    left, top, width, height = 72, 150, 140, 24
    for number, row in enumerate(ROWS):
        for column, text in enumerate(row):
            cell = pymupdf.Rect(left, top, left + width, top + height)
            cell += (column * width, number * height, column * width, number * height)
            page.draw_rect(cell)
            page.insert_text((cell.x0 + 8, cell.y1 - 8), text, fontname="china-s", fontsize=11)
    page.insert_text((72, 300), "以上数据已经会计师事务所审计。", fontname="china-s", fontsize=11)
    path.parent.mkdir(parents=True, exist_ok=True)
    document.save(path)
    return path


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tables")
    report_pdf(folder / "docs" / "年报.pdf")
    report = ingest(folder / "docs", storage=folder / "storage", embed_model=HashEmbedding(model_name="hash"))
    assert report.failures == []
    return folder / "storage"


def engine(storage: Path) -> QueryEngine:
    return QueryEngine.open(storage=storage, embed_model=HashEmbedding(model_name="hash"))


def test_row_names_its_columns_and_carries_the_whole_table(storage: Path) -> None:
    (passage, *_) = engine(storage).retrieve("归母净利润是多少？")
    sentences = [sentence["text"] for sentence in passage.node.metadata[SENTENCES]]
    assert "项目：归母净利润；2022年：-1,460；2023年：249" in [text.replace(": ", "：") for text in sentences]
    (table,) = passage.node.metadata[TABLES]
    assert "| 项目 | 2022年 | 2023年 |" in table
    assert "| 研发费用 | 3,210 | 3,555 |" in table
    assert passage.node.metadata["section"] == "第三节 主要财务数据"


def test_citation_of_a_row_has_its_section_and_its_place(storage: Path) -> None:
    answer = engine(storage).query("2023年的归母净利润是多少？")
    assert not answer.refused
    citation = next(citation for citation in answer.citations if "归母净利润" in citation.text)
    assert citation.section == "第三节 主要财务数据"
    (box,) = citation.boxes
    assert 150 + 1.5 * 24 < (box.y0 + box.y1) / 2 < 150 + 3.5 * 24


def test_model_is_given_the_whole_table(storage: Path) -> None:
    opened = engine(storage)
    passages = opened.retrieve("归母净利润是多少？", top_k=1)
    shown = format_passages(passages)
    assert shown.count("| 归母净利润 | -1,460 | 249 |") == 1
    assert "｜第三节 主要财务数据" in shown
