"""Reports of invented firms: what the maker says stands where, questions about it, and how answers are judged."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pymupdf
import pytest
import reports
from corpus import render_pdf
from families.family_set import FamilySet, make_set, read_questions
from families.figures import GROUP, PARENT, Figures, read_firms
from families.judging import holds, last_rank, quoted_part
from families.questions import COMPARISON, COUNTS, NOT_THERE, RATIO, STATEMENT, Part
from hash_embedding import HashEmbedding
from report_pages import RememberedEmbedding, read_page_questions
from typer.testing import CliRunner

FEW = dict.fromkeys(COUNTS, 2)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> FamilySet:
    """A Chinese report and an English one."""
    first, *_, last = read_firms()
    return make_set(tmp_path_factory.mktemp("reports"), 3, FEW, [first, last], [2022])


def test_what_is_asked_for_stands_on_its_page(made: FamilySet) -> None:
    texts = {
        file.name: [page.get_text().replace("\n", "") for page in pymupdf.open(file)] for file in made.files
    }
    assert all(27 <= len(pages) <= 32 for pages in texts.values())
    assert made.questions == read_questions(made.directory / "questions.jsonl")
    for question in made.questions:
        assert bool(question.parts) == (question.kind not in NOT_THERE)
        assert len(question.parts) == (2 if question.kind == COMPARISON else len(question.parts[:1]))
        for part in question.parts:
            for place in part.places:
                assert place["value"] in texts[place["file"]][place["page"] - 1]


def test_the_same_seed_makes_the_same_bytes(made: FamilySet, tmp_path: Path) -> None:
    again = make_set(tmp_path, 3, FEW, [read_firms()[0]], [2022])
    assert again.files[0].read_bytes() == made.files[0].read_bytes()
    other = make_set(tmp_path / "other", 4, {STATEMENT: 2}, [read_firms()[0]], [2022])
    assert other.files[0].read_bytes() != made.files[0].read_bytes()


def test_statements_add_up_and_a_year_is_the_same_in_the_next_report() -> None:
    for firm in read_firms():
        figures = Figures(firm, 7)
        for scope in (GROUP, PARENT):
            owned = ("debts", "capital", "surplus_paid", "surplus", "retained", "minority")
            assert figures.of("assets", 2022, scope) == sum(figures.of(key, 2022, scope) for key in owned)
        assert figures.of("net", 2021) == Figures(firm, 7).of("net", 2021)


def test_reports_without_enough_to_ask_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no 99 different questions of the kind 'ratio'"):
        make_set(tmp_path, 3, {RATIO: 99}, [read_firms()[0]], [2022])


def test_a_figure_is_no_part_of_another() -> None:
    assert holds("营业收入（元），2022年：1,234.50；2021年：999", "1,234.50")
    assert holds("total 1234.50.", "1,234.50")
    assert not holds("合计 21,234.50", "1,234.50")
    assert not holds("合计 1,234.501", "1,234.50")
    assert not holds("12.345%", "12.34")
    assert holds("审计机构为衡正会计师\n事务所。", "衡正会计师事务所")


def quote(file: str, page: int, text: str) -> SimpleNamespace:
    return SimpleNamespace(file=file, page=page, page_end=page, text=text)


def test_a_cell_counts_only_from_where_it_stands() -> None:
    place = {"file": "a.pdf", "page": 4, "value": "1,234"}
    part = Part(2022, GROUP, "net", "", (place,), ())
    assert quoted_part(part, [quote("b.pdf", 4, "x"), quote("a.pdf", 4, "net income 1,234")])
    assert not quoted_part(part, [quote("b.pdf", 4, "1,234"), quote("a.pdf", 5, "1,234")])
    assert last_rank([part], [("b.pdf", 4, 4), ("a.pdf", 3, 4)]) == 2
    later = replace(part, places=({**place, "page": 9},))
    assert last_rank([part, later], [("a.pdf", 3, 4), ("a.pdf", 9, None)]) == 2
    assert last_rank([part, later], [("a.pdf", 3, 4)]) is None
    assert last_rank([], [("a.pdf", 3, 4)]) is None


@pytest.mark.slow
def test_whole_script(tmp_path: Path, local_model: Path) -> None:
    make_set(tmp_path / "work", 3, FEW, [read_firms()[0]], [2022])
    arguments = ["families", "--work", str(tmp_path / "work"), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(
        reports.app, [*arguments, "--questions-per-kind", "1"], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    content = json.loads((tmp_path / "out" / "reports-families.json").read_text(encoding="utf-8"))
    assert content["kinds"]["all answerable"]["questions"] == 6
    assert content["kinds"]["all not there"]["questions"] == 3
    assert content["kinds"][STATEMENT]["page@20"] == 1
    written = (tmp_path / "out" / "reports-families.md").read_text(encoding="utf-8")
    assert "| all answerable | 6 |" in written


def test_pages_of_the_set_are_questions_too(made: FamilySet) -> None:
    names = [file.name for file in made.files]
    read = read_page_questions(made.directory / "questions.jsonl", names)
    assert len(read) == sum(bool(question.parts) for question in made.questions)
    with pytest.raises(ValueError, match="no question about any of the 1 PDFs"):
        read_page_questions(made.directory / "questions.jsonl", ["other.pdf"])


def test_no_text_is_embedded_twice() -> None:
    asked: list[str] = []

    class Recording(HashEmbedding):
        def get_text_embedding_batch(self, texts: list[str], *_: Any, **__: Any) -> list[list[float]]:
            asked.extend(texts)
            return super().get_text_embedding_batch(texts)

    remembered = RememberedEmbedding(Recording())
    first = remembered.get_text_embedding_batch(["a", "b", "a"])
    assert remembered.get_text_embedding_batch(["b", "c"])[0] == first[1]
    assert asked == ["a", "b", "c"]


@pytest.mark.slow
def test_pages_beside_a_peer(tmp_path: Path, local_model: Path) -> None:
    pdfs = tmp_path / "pdfs"
    pdfs.mkdir()
    for name, lake in (
        ("EAST", "The lake of the east is 12 metres deep. "),
        ("WEST", "The lake is frozen. "),
    ):
        render_pdf(
            [("Lakes", lake), ("Rivers", "The river ends in the sea. " * 200)],
            pdfs / f"{name}.pdf",
            header=name,
        )
    evidence = [{"doc_name": "EAST", "evidence_page_num": 0}]
    lines = [
        {"financebench_id": "1", "question": "How deep is the lake?", "doc_name": name, "evidence": evidence}
        for name in ("EAST", "GONE")
    ]
    asked = tmp_path / "asked.jsonl"
    asked.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    arguments = ["pages", str(asked), str(pdfs), "--peers", "llamaindex-starter", "--out", str(tmp_path)]
    result = CliRunner().invoke(reports.app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    ways = json.loads((tmp_path / "reports-pages-asked.json").read_text(encoding="utf-8"))["ways"]
    assert list(ways) == ["all files", "right file given"]
    for way in ways.values():
        assert list(way["pipelines"]) == ["qa_engine", "dense", "bm25", "fused", "llamaindex-starter"]
        assert way["ranks"]["qa_engine"] == [1]
        assert way["differences"][0]["base"] == "llamaindex-starter"
    assert ways["right file given"]["pipelines"]["llamaindex-starter"]["file first"] == 1
