"""What the PDF benchmarks count, on texts that are made up; and the command on tiny folders."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pdf_hostile
import pdf_quality
import pymupdf
import pytest
from pdf_hostile import Outcome, judge, run_file, summary_rows
from pdf_measures import (
    BookMargins,
    Found,
    book_body_kept,
    book_margins,
    book_running_left,
    find_breaks,
    find_sentences,
    running_left,
    similarity,
    struck_parts,
)
from pdf_pages import Break, MadePdf
from pdf_readers import PEERS, Reading, UnavailableError, safely
from reference_markdown import sentence_key
from running_layouts import RunningLine, RunningMatter
from typer.testing import CliRunner

SENTENCES = ["这是第一句完整的中文句子。", "这是第二句完整的中文句子。", "The third sentence is in English."]


def pdf(path: Path, pages: list[list[str]]) -> Path:
    """Lines of text on pages, with a header and a page number on each."""
    path.parent.mkdir(exist_ok=True, parents=True)
    with pymupdf.open() as document:
        for number, lines in enumerate(pages, 1):
            page = document.new_page()
            page.insert_text((72, 40), "Quarterly Harbour Report", fontsize=8)
            page.insert_text((290, 820), f"{number}", fontsize=8)
            for row, line in enumerate(lines):
                page.insert_text((72, 120 + 16 * row), line, fontname="china-s", fontsize=10)
        document.subset_fonts()
        document.save(path)
    return path


def test_similarity_ignores_markup() -> None:
    assert similarity("标题 甲 乙", "# 标题\n| 甲 | 乙 |\n|---|---|") == 1
    assert similarity("", "甲乙") == 0
    assert 0.4 < similarity("甲乙", "甲丙") < 0.6


def test_sentences_are_counted_whole_within_and_in_the_text() -> None:
    keys = ["甲甲甲甲甲甲甲甲", "乙乙乙乙乙乙乙乙", "丙丙丙丙丙丙丙丙", "丁丁丁丁丁丁丁丁"]
    units = [f"{keys[0]}。", f"，{keys[1]}。戊", keys[2][:4], keys[2][4:]]
    found = find_sentences(keys, units, "".join(units))
    assert found == Found(equal=1, within=2, in_text=3, total=4)


def test_units_of_a_peer_are_lines_or_joined_lines() -> None:
    reading = Reading(["今天下雨。明天\n放晴。\n\nIt is\nwarm. The sun", "shines."])
    assert reading.units("lines") == ["今天下雨。", "明天", "放晴。", "It is", "warm.", "The sun", "shines."]
    assert reading.units("joined") == ["今天下雨。", "明天放晴。", "It is warm.", "The sun", "shines."]
    assert reading.units(whole_file=True)[-1] == "The sun shines."
    assert Reading(["甲。乙。"], ["甲。乙。"]).units("lines") == ["甲。乙。"]


def test_breaks_are_whole_only_if_one_unit_has_them() -> None:
    breaks = [Break("今天下了很大的雨。", 1, "bare"), Break("明天大概会放晴吧。", 2, "bare")]
    units = ["今天下了很大的雨。", "明天大概", "会放晴吧。"]
    assert find_breaks(breaks, units, "".join(units)) == Found(1, 1, 2, 2)


def running(lines: list[tuple[int, str]], headings: list[str]) -> MadePdf:
    matter = [RunningLine(page, text, text, "left", 0) for page, text in lines]
    return MadePdf(Path("made.pdf"), "made", matter, [], [], headings)


def test_running_lines_that_are_left_are_counted() -> None:
    made = running(
        [(1, "第一章 洪水"), (2, "第一章 洪水"), (1, "1"), (2, "2"), (12, "12"), (1, "Page 3")],
        ["第一章 洪水"],
    )
    assert running_left(made, "第一章洪水\n正文没有数字").left == 0
    assert running_left(made, "第一章洪水\n正文\n**第一章 洪水**\n正文").left == 1
    assert running_left(made, "正文 12 正文 2").left == 2
    assert running_left(made, "正文 112 正文x2").left == 0
    assert running_left(made, "Page\n3 和 2 和 2 和 2").left == 2
    assert running_left(made, "").total == 6


def test_the_margins_of_a_book_are_found_and_counted(tmp_path: Path) -> None:
    book = pdf(tmp_path / "book.pdf", [[f"{char * 25}结束了。"] for char in "甲乙丙丁戊"])
    margins = book_margins(book)
    assert margins.lines == Counter({"QuarterlyHarbourReport": 5, **{str(n): 1 for n in range(1, 6)}})
    assert len(margins.body) == 5
    text = PEERS["get_text"](book).text
    left = book_running_left(margins, text)
    assert (left.left, left.total, book_body_kept(margins, text)) == (10, 10, 1)
    assert book_running_left(margins, "Quarterly Harbour\nReport 7\n4").left == 2
    assert book_running_left(BookMargins(Counter(abc1=2), Counter(abc1=1), 2, []), "abc1 abc1").left == 1


@pytest.mark.parametrize(
    ("category", "outcome", "with_password", "readable", "right"),
    [
        ("password", "locked", "read", 0, True),
        ("password", "locked", "locked", 0, False),
        ("password", "locked", None, 0, True),
        ("password", "read", None, 0, False),
        ("zero_pages_in_mupdf", "empty", None, 0, True),
        ("zero_pages_in_mupdf", "damaged", None, 0, False),
        ("cannot_open_or_broken", "damaged", None, None, True),
        ("loops", "read", None, 50, True),
        ("loops", "no_text", None, 50, False),
        ("loops", "no_text", None, 0, True),
        ("bad_tounicode_or_control_chars", "garbled", None, 50, True),
        ("loops", "crash", None, None, False),
        ("loops", "timeout", None, None, False),
    ],
)
def test_what_counts_as_right(
    category: str, outcome: str, with_password: str | None, readable: int | None, right: bool
) -> None:
    assert judge(category, outcome, with_password, readable) is right


def test_outcomes_are_summed_by_category() -> None:
    outcomes = [
        Outcome("a.pdf", "password", "locked", True, "read"),
        Outcome("b.pdf", "password", "locked", False, "locked"),
        Outcome("c.pdf", "loops", "hang", False, None, True),
    ]
    loops, password, total = summary_rows(outcomes)
    assert password == ["password", "2", "1", "0", "0", "0", "1/2", "locked 2"]
    assert loops == ["loops", "1", "0", "0", "1", "1", "", "hang 1"]
    assert total[:3] == ["all", "3", "1"]


def test_a_hostile_file_runs_in_a_process_of_its_own(tmp_path: Path) -> None:
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.4\nnothing")
    outcome = run_file(broken, "cannot_open_or_broken", "", "fast", "never", 60)
    assert (outcome.right, outcome.traceback, outcome.with_password) == (True, False, None)


def test_a_process_that_says_nothing_is_a_crash_with_its_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "dies.py"
    program.write_text("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", encoding="utf-8")
    monkeypatch.setattr(pdf_hostile, "__file__", str(program))
    outcome = run_file(tmp_path / "any.pdf", "loops", "", "fast", "never", 60)
    assert (outcome.outcome, outcome.right, outcome.ended) == ("crash", False, "status -9: ")


def test_a_reader_that_raises_does_not_end_the_run(tmp_path: Path) -> None:
    def broken(path: Path) -> Reading:
        raise ValueError(f"no {path.name}")

    def missing(path: Path) -> Reading:
        raise UnavailableError("not here")

    assert (safely(broken, tmp_path / "a.pdf").failure or "").startswith("ValueError")
    with pytest.raises(UnavailableError):
        safely(missing, tmp_path / "a.pdf")


def test_the_command_compares_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_quality, "readers", few_readers)
    pdf(tmp_path / "data" / "sample" / "one.pdf", [SENTENCES])
    reference = tmp_path / "data" / "gt" / "one.md"
    reference.parent.mkdir()
    reference.write_text("# 题\n\n" + "".join(SENTENCES[:2]) + f"\n\n{SENTENCES[2]}\n", encoding="utf-8")
    results = run(
        tmp_path, str(tmp_path / "data"), "--no-self-made", "--book", str(tmp_path / "data/sample/one.pdf")
    )
    entry = results["reference"]["one"]
    assert entry["text_layer"] and entry["sentences"] == 3
    assert 0.6 < entry["similarity"]["get_text"] < 1
    assert entry["found"]["get_text, lines"] == {"equal": 3, "within": 3, "in_text": 3, "total": 3}
    assert entry["found"]["qa_engine fast"]["in_text"] == 3
    assert results["book"]["left"]["get_text"]["left"] == 2


def test_sentences_with_struck_text_do_not_count(tmp_path: Path) -> None:
    path = pdf(tmp_path / "one.pdf", [SENTENCES])
    with pymupdf.open(path) as document:
        (rect,) = document[0].search_for(SENTENCES[0][:10])
        middle = (rect.y0 + rect.y1) / 2
        document[0].draw_line((rect.x0, middle), (rect.x1, middle))
        document.saveIncr()
    assert struck_parts(path)
    assert all(part in sentence_key(SENTENCES[0]) for part in struck_parts(path))
    assert struck_parts(pdf(tmp_path / "other.pdf", [SENTENCES])) == []


def test_the_command_makes_its_own_pdfs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_quality, "readers", few_readers)
    layout = RunningMatter.layouts()[0]
    monkeypatch.setattr(RunningMatter, "layouts", lambda: [layout])
    monkeypatch.setattr("pdf_pages.FLOATS", ("numbered",))
    results = run(tmp_path, "--self-made-only", "--made-pages", "6")
    assert results["running"]["get_text"]["running-zh-1-dashes"]["left"] == 12
    assert results["running"]["qa_engine fast"]["running-zh-1-dashes"]["left"] < 12
    breaks = results["breaks"]
    assert sum(found["equal"] for found in breaks["get_text"].values()) == 0
    assert sum(found["equal"] for found in breaks["qa_engine fast"].values()) > 0


def few_readers(parsers: list[str], ocr: str, peers: bool) -> dict[str, Any]:
    from pdf_readers import ours

    return {"qa_engine fast": ours("fast"), "get_text": PEERS["get_text"]}


def run(tmp_path: Path, *arguments: str) -> Any:
    app = pdf_quality.typer.Typer()
    app.command()(pdf_quality.main)
    copy = tmp_path / "copy.json"
    result = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / "out"), "--json", str(copy)])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "out" / "pdf_quality.md").exists()
    return json.loads(copy.read_text(encoding="utf-8"))
