"""Data sets rendered as PDFs: margins, headings, flowing text, and the questions that go with them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pymupdf
import pytest
from corpus import Corpus, build_corpus, read_paragraphs, render_pdf
from typer.testing import CliRunner

ARTICLES = [
    (
        "西湖",
        "西湖位于浙江省杭州市西部，三面环山，水面面积约为6.38平方公里。",
        "6.38平方公里",
        "西湖有多大？",
    ),
    ("长江", "长江发源于青藏高原的唐古拉山脉，全长约6300公里 <主干>，注入东海。", "东海", "长江注入哪里？"),
    ("黄河", "黄河全长约5464公里，是中国第二长河，流经九个省区。", "5464公里", "黄河有多长？"),
]


def squad(articles: Sequence[tuple[str, str, str, str]], repeat: int = 1) -> dict[str, Any]:
    """One question an article; the paragraph holds its text ``repeat`` times."""
    return {
        "version": "test",
        "data": [
            {
                "title": title,
                "paragraphs": [
                    {
                        "context": text * repeat,
                        "qas": [
                            {"id": f"q{number}", "question": question, "answers": [{"text": answer}] * 2},
                        ],
                    }
                ],
            }
            for number, (title, text, answer, question) in enumerate(articles)
        ],
    }


def write(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write(tmp_path / "rivers.json", squad(ARTICLES))


def page_texts(file: Path) -> list[str]:
    with pymupdf.open(file) as document:
        return [page.get_text() for page in document]


def joined(text: str) -> str:
    return "".join(text.split())


def test_pages_have_headers_headings_and_numbers(source: Path, tmp_path: Path) -> None:
    corpus = build_corpus(source, tmp_path / "out")
    [file] = corpus.files
    [page] = page_texts(file)
    assert file.name == "rivers_001.pdf"
    assert "rivers 资料汇编 第1册" in page
    assert "— 1 / 1 —" in page
    for title, text, _, _ in ARTICLES:
        assert title in page.splitlines()
        assert joined(text) in joined(page)
    assert (corpus.paragraphs, corpus.pages) == (3, 1)
    assert not list(tmp_path.glob("out/*.story"))


def test_headings_are_larger_than_text_and_the_margins_smaller(source: Path, tmp_path: Path) -> None:
    corpus = build_corpus(source, tmp_path / "out")
    with pymupdf.open(corpus.files[0]) as document:
        blocks = document[0].get_text("dict")["blocks"]
    spans = [span for block in blocks for line in block["lines"] for span in line["spans"]]
    sizes = {span["text"].strip(): span["size"] for span in spans}
    assert sizes["西湖"] > next(size for text, size in sizes.items() if text.startswith("西湖位于"))
    assert min(sizes.values()) == sizes["— 1 / 1 —"]


def test_paragraphs_flow_over_page_breaks(tmp_path: Path) -> None:
    source = write(tmp_path / "long.json", squad(ARTICLES, repeat=60))
    corpus = build_corpus(source, tmp_path / "out")
    pages = page_texts(corpus.files[0])
    assert corpus.pages == len(pages) > 1
    for number, page in enumerate(pages, start=1):
        assert page.count("资料汇编 第1册") == 1
        assert f"— {number} / {len(pages)} —" in page
    # The margins are printed last, so the text of a page comes before them.
    flowing = "".join(joined(page.split("long 资料汇编")[0]) for page in pages)
    assert joined(ARTICLES[1][1] * 60) in flowing
    assert not joined(pages[0].split("long 资料汇编")[0]).endswith("。")


def test_a_file_holds_so_many_paragraphs_and_repeats_the_heading_only_where_it_changes(
    tmp_path: Path,
) -> None:
    content = squad(ARTICLES)
    content["data"][0]["paragraphs"] *= 3
    source = write(tmp_path / "rivers.json", content)
    corpus = build_corpus(source, tmp_path / "out", paragraphs_per_file=2)
    assert [file.name for file in corpus.files] == ["rivers_001.pdf", "rivers_002.pdf", "rivers_003.pdf"]
    assert [page_texts(file)[0].splitlines().count("西湖") for file in corpus.files] == [1, 1, 0]
    assert "第3册" in page_texts(corpus.files[2])[0]


def test_questions_are_written_with_answers_file_and_context(source: Path, tmp_path: Path) -> None:
    corpus = build_corpus(source, tmp_path / "out", paragraphs_per_file=1)
    lines = (tmp_path / "out" / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    read = {question["id"]: question for question in map(json.loads, lines)}
    assert read["q1"] == {
        "id": "q1",
        "question": "长江注入哪里？",
        "answers": ["东海"],
        "impossible": False,
        "file": "rivers_002.pdf",
        "context": ARTICLES[1][1],
    }
    assert [question.id for question in corpus.questions] == list(read)


def test_the_sample_depends_on_the_seed_only(tmp_path: Path) -> None:
    content = squad(ARTICLES)
    first = content["data"][0]["paragraphs"][0]
    first["qas"] = [{**first["qas"][0], "id": f"many{number}"} for number in range(50)]
    source = write(tmp_path / "many.json", content)

    def sample(seed: int) -> list[str]:
        corpus = build_corpus(source, tmp_path / "out", max_questions=10, seed=seed)
        return [question.id for question in corpus.questions]

    assert len(sample(1)) == 10
    assert sample(1) == sample(1) != sample(2)


def test_the_same_paragraphs_make_the_same_bytes(source: Path, tmp_path: Path) -> None:
    [first], [second] = (build_corpus(source, tmp_path / folder).files for folder in ("one", "two"))
    assert first.read_bytes() == second.read_bytes()


def test_questions_of_a_parallel_file_keep_the_answers_of_the_documents(tmp_path: Path) -> None:
    english = [
        (title, f"The {name} is known to all. It ends in {end}.", end, "?")
        for title, name, end in [
            ("Lake", "West Lake", "Hangzhou"),
            ("River", "Yangtze", "the East China Sea"),
        ]
    ]
    documents = write(tmp_path / "en.json", squad(english))
    chinese = write(tmp_path / "zh.json", squad(ARTICLES[1:2]))
    corpus = build_corpus(documents, tmp_path / "out", questions=chinese)
    [question] = corpus.questions
    assert (question.id, question.question, question.answers) == ("q0", "长江注入哪里？", ("Hangzhou",))
    assert "en Collected Articles, Volume 1" in page_texts(corpus.files[0])[0]


def test_a_parallel_file_without_common_ids_is_refused(source: Path, tmp_path: Path) -> None:
    content = squad(ARTICLES[:1])
    content["data"][0]["paragraphs"][0]["qas"][0]["id"] = "other"
    other = write(tmp_path / "other.json", content)
    with pytest.raises(ValueError, match="shares no question id"):
        build_corpus(source, tmp_path / "out", questions=other)


@pytest.mark.parametrize("flag", [True, "true"])
def test_unanswerable_questions_are_kept_on_request(tmp_path: Path, flag: object) -> None:
    content = squad(ARTICLES)
    content["data"][0]["paragraphs"][0]["qas"][0]["is_impossible"] = flag
    content["data"][1]["paragraphs"][0]["qas"][0]["answers"] = []
    content["data"][2]["paragraphs"][0]["qas"][0]["is_impossible"] = "false"
    source = write(tmp_path / "some.json", content)
    answerable = build_corpus(source, tmp_path / "out")
    assert [question.id for question in answerable.questions] == ["q2"]
    everything = build_corpus(source, tmp_path / "out", unanswerable=True)
    assert {q.id: q.impossible for q in everything.questions} == {"q0": True, "q1": False, "q2": False}


def test_questions_without_a_word_are_dropped(tmp_path: Path) -> None:
    content = squad(ARTICLES)
    content["data"][0]["paragraphs"][0]["qas"][0]["question"] = " "
    corpus = build_corpus(write(tmp_path / "some.json", content), tmp_path / "out")
    assert sorted(question.id for question in corpus.questions) == ["q1", "q2"]


@pytest.mark.parametrize("content", [[], {}, {"data": []}, {"data": [{"title": "西湖"}]}])
def test_other_json_is_refused(tmp_path: Path, content: object) -> None:
    with pytest.raises(ValueError, match="not SQuAD-style JSON"):
        read_paragraphs(write(tmp_path / "other.json", content))


def test_control_characters_and_markup_do_not_break_the_page(tmp_path: Path) -> None:
    pages = render_pdf([("a<b", "x & y\x00\x0c <i>z</i>")], tmp_path / "x.pdf", header="h")
    [text] = page_texts(tmp_path / "x.pdf")
    assert pages == 1
    assert "a<b" in text
    assert joined("x & y <i>z</i>") in joined(text)


def test_command(source: Path, tmp_path: Path) -> None:
    import corpus
    import typer

    app = typer.Typer()
    app.command()(corpus.main)
    result = CliRunner().invoke(app, [str(source), str(tmp_path / "out"), "--max-questions", "2"])
    assert result.exit_code == 0, result.output
    assert "1 PDFs, 1 pages, 3 paragraphs, 2 questions" in result.output


def test_the_result_names_what_was_made(source: Path, tmp_path: Path) -> None:
    corpus = build_corpus(source, tmp_path / "out", name="other", max_paragraphs=2)
    assert isinstance(corpus, Corpus)
    assert corpus.directory == tmp_path / "out"
    assert [file.name for file in corpus.files] == ["other_001.pdf"]
    assert (corpus.paragraphs, len(corpus.questions)) == (2, 2)
