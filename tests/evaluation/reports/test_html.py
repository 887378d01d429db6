"""The HTML report: complete, escaped, self-contained, and as a browser shows it."""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
import time
from collections import Counter
from dataclasses import asdict
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.errors import InputError
from qa_engine.evaluation.comparison import compare
from qa_engine.evaluation.judges.judgements import JudgedCase, open_judgements
from qa_engine.evaluation.judges.summary import JudgeReport, summarise_judge, write_summary
from qa_engine.evaluation.metrics.summary import summarise
from qa_engine.evaluation.records import (
    CaseFailure,
    CaseResult,
    CitationResult,
    Gold,
    PassageResult,
    RunManifest,
    StageRanking,
)
from qa_engine.evaluation.reports.charts import histogram, line_chart
from qa_engine.evaluation.reports.html import write_comparison_html, write_html
from qa_engine.evaluation.reports.template_engine import marked, text
from qa_engine.evaluation.run_folder import CASES, RESULTS

EVIL = (
    '</script><script>document.title="owned"</script><img src=x onerror=alert(1)>"\'&amp;\x00\u202e]]>--><!--'
)
_VOID = {"meta", "link", "br", "input", "img"}
BROWSER = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))),
    None,
)


def made_case(number: int, seed: int = 1, evil: str = "") -> CaseResult:
    draw = random.Random(f"{seed}/{number}")
    answerable = number % 5 != 0
    gold = Gold(["71.679米"], True, "塔.pdf", 3) if answerable else Gold(answerable=False)
    if number % 97 == 96:
        return CaseResult(
            f"q{number}",
            f"第{number}问？{evil}",
            gold,
            failure=CaseFailure("ServiceUnavailableError", f"无人应答{evil}"),
        )
    refused = draw.random() < (0.1 if answerable else 0.7)
    right = draw.random() < 0.8
    sentence = "望江塔位于临川城北，始建于一四〇〇年，历经多次重修，今为省级文物保护单位。"
    passages = [
        PassageResult(
            rank,
            f"塔{evil}.pdf",
            3,
            4,
            f"{sentence * 5}高７１．６７９ 米。{evil}{sentence}",
            1 / rank,
            rank == 1,
            rank == 1,
        )
        for rank in range(1, 6)
    ]
    answer = "我无法回答您的问题" if refused else f"塔高{'71.679' if right else '80'}米[1]。{evil}"
    measures = {"refusal_accuracy": float(refused != answerable)}
    if answerable:
        measures |= {"f1": round(draw.random(), 3), "contains_answer": float(right and not refused)}
    rank = draw.choice([1, 2, 5, None])
    stages = {
        stage: StageRanking(rank, rank, {"300": rank == 1, "600": rank in (1, 2), "1200": rank is not None, "2400": True})
        for stage in ("dense", "bm25", "fused", "reranked")
    } if answerable else {}  # fmt: skip
    return CaseResult(
        f"q{number}", f"第{number}问：望江塔有多高？{evil}", gold, answer, refused, draw.random(),
        [CitationResult(1, "塔.pdf", 3, 3, "高71.679米。", True, True)], passages, stages, measures,
        timings={"retrieval": 0.1, "total": draw.lognormvariate(-1, 0.6)},
    )  # fmt: skip


def made_run(folder: Path, count: int, seed: int = 1, evil: str = "", judged: bool = True) -> Path:
    folder.mkdir(exist_ok=True)
    cases = [made_case(number, seed, evil) for number in range(1, count + 1)]
    manifest = RunManifest(
        f"q{evil}.jsonl", "s", count, ["default"], False, {"seed": seed}, "f", {"llm": "m"}
    )
    (folder / RESULTS).write_text(json.dumps(asdict(summarise(manifest, cases[:200]))), encoding="utf-8")
    lines = [json.dumps(asdict(case), ensure_ascii=False) for case in cases]
    (folder / CASES).write_text("\n".join(lines) + "\n", encoding="utf-8")
    if judged:
        said = [
            JudgedCase(case.id, "faithfulness", "judge-1", passing=case.id != "q3", score=float(case.id != "q3"),
                        reasoning=f"有依据{evil}")
            if case.id != "q2" else JudgedCase("q2", "faithfulness", "judge-1", unparsed=f"it holds no verdict{evil}")
            for case in cases[:20] if case.failure is None
        ]  # fmt: skip
        with open_judgements(folder) as judgements:
            for item in said:
                judgements.add(item)
        write_summary(
            folder,
            JudgeReport([summarise_judge("faithfulness", "judge-1", said, {"refused": 2}, None)], said, 20),
        )
    return folder


class Page(HTMLParser):
    """Checks that elements are closed in order, and gathers what a test asks for."""

    def __init__(self, path: Path) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, (tag, self.open)
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def count(self, tag: str) -> int:
        return Counter(name for name, _ in self.elements)[tag]


@pytest.fixture(scope="module")
def evil_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_run(tmp_path_factory.mktemp("report") / "run", 120, evil=EVIL)


def test_report_shows_everything(evil_run: Path) -> None:
    page = Page(write_html(evil_run))
    cases = [attributes for tag, attributes in page.elements if attributes.get("class") == "case"]
    assert len(cases) == 120
    assert page.count("svg") == page.count("figure") == 3
    assert page.count("article") == 5 * 119
    words = " ".join(page.words)
    for part in ("Outcomes", "holds the gold answer", "refused, though the documents answer", "within_1200",
                 "threshold of the probability", "pages 3–4", "judge-1", "unparsed", "it holds no verdict",
                 "ServiceUnavailableError"):  # fmt: skip
        assert part in words, part
    assert page.count("mark") >= 95 * 5


def test_nothing_of_a_run_becomes_markup(evil_run: Path) -> None:
    path = write_html(evil_run)
    page = Page(path)
    assert page.count("script") == page.count("style") == 1
    assert page.count("img") == 0
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert not any(name == "style" for _, attributes in page.elements for name in attributes)
    assert page.count("html") == page.count("body") == 1
    content = path.read_bytes()
    assert b"\x00" not in content
    assert content.count(b"<!--") == 0


def test_nothing_is_loaded(evil_run: Path) -> None:
    page = Page(write_html(evil_run))
    links = [
        value
        for _, attributes in page.elements
        for name, value in attributes.items()
        if name in {"href", "src", "action"}
    ]
    assert all(value is not None and value.startswith(("#", "data:")) for value in links)
    content = (evil_run / "report.html").read_text(encoding="utf-8")
    style = content.partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style
    policy = next(attributes["content"] for _, attributes in page.elements if "http-equiv" in attributes)
    assert policy is not None and policy.startswith("default-src 'none'")


def test_tables_and_charts_can_be_heard(evil_run: Path) -> None:
    page = Page(write_html(evil_run))
    assert page.count("table") == page.count("caption")
    assert all(attributes.get("scope") in {"col", "row"} for tag, attributes in page.elements if tag == "th")
    identifiers = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    for tag, attributes in page.elements:
        if tag == "svg":
            assert attributes["role"] == "img"
            assert attributes["aria-labelledby"] in identifiers


def test_the_time_and_the_size_of_a_page_grow_with_the_cases(tmp_path: Path) -> None:
    write_html(made_run(tmp_path / "first", 1, judged=False))  # compiles the templates
    seconds, sizes = [], []
    for count in (250, 1000):
        run = made_run(tmp_path / str(count), count, judged=False)
        started = time.process_time()
        sizes.append(write_html(run).stat().st_size)
        seconds.append(time.process_time() - started)
    assert seconds[1] < 3 * 4 * seconds[0]
    assert sizes[0] < sizes[1] < 12_000_000


def test_run_without_answers_or_judges(tmp_path: Path) -> None:
    case = CaseResult("q1", "多高？", Gold(["三米"]), passages=[PassageResult(1, "a.pdf", None, None, "高三米。")],
                      stages={"reranked": StageRanking(None)})  # fmt: skip
    manifest = RunManifest("", "s", 1, ["c"], True, {}, "f", {})
    (tmp_path / RESULTS).write_text(json.dumps(asdict(summarise(manifest, [case]))), encoding="utf-8")
    (tmp_path / CASES).write_text(json.dumps(asdict(case)), encoding="utf-8")
    words = " ".join(Page(write_html(tmp_path)).words)
    assert "not found" in words
    assert "page unknown" in words


def test_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no finished evaluation"):
        write_html(tmp_path)


def test_comparison_has_the_worst_regressions_first(tmp_path: Path) -> None:
    first, second = (made_run(tmp_path / f"run{seed}", 25, seed, EVIL) for seed in (1, 2))
    comparison = compare(first, second)
    path = write_comparison_html(comparison, tmp_path / "out")
    page = Page(path)
    assert page.count("script") == 1
    changes = [
        float(found)
        for found in re.findall(r'<span class="(?:bad|good)">([+-]\d\.\d+)</span>', path.read_text("utf-8"))
    ]
    assert changes[0] < 0 < changes[-1]
    assert changes == sorted(changes)
    shown = [attributes["id"] for _, attributes in page.elements if attributes.get("class") == "case"]
    assert shown[0] == f"case-{comparison.regressions[0].id}"


@given(st.text(), st.lists(st.text(max_size=4), max_size=3))
def test_highlighting_changes_no_character(content: str, golds: list[str]) -> None:
    assert re.sub("</?mark>", "", marked(content, golds)) == text(content)


def test_highlighting_ignores_width_and_white_space() -> None:
    assert marked("塔高７１．６ ７９米，<b>", ["71.679米"]) == "塔高<mark>７１．６ ７９米</mark>，&lt;b&gt;"
    assert (
        marked("三十米和三十米五", ["三十米", "三十米五"])
        == "<mark>三十米</mark>和<mark>三十米</mark><mark>五</mark>"
    )


@given(st.lists(st.floats(min_value=0, max_value=1e6), min_size=1))
def test_histogram_counts_every_value(seconds: list[float]) -> None:
    drawn = histogram("h", "t", seconds, {"p50": seconds[0]})
    assert sum(map(int, re.findall(r"<td>(\d+)</td>", drawn))) == len(seconds)


def test_line_with_a_gap_is_two_lines() -> None:
    points = [(0.0, 0.1), (0.2, 0.2), (0.4, None), (0.6, 0.5), (0.8, 0.6)]
    assert line_chart("c", "t", {"a<b": points}, "x", [(0, "0"), (1, "1")]).count("<polyline") == 2


@pytest.mark.skipif(BROWSER is None, reason="no Chromium here")
def test_a_browser_shows_and_filters_it(evil_run: Path) -> None:
    path = write_html(evil_run)
    content = path.read_text(encoding="utf-8")
    assert BROWSER is not None
    arguments = [
        BROWSER,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={evil_run / 'profile'}",
        "--virtual-time-budget=2000",
    ]

    def shown(url: str, *more: str) -> str:
        return subprocess.run(
            [*arguments, *more, url], capture_output=True, text=True, timeout=60, check=True
        ).stdout

    dom = shown(f"{path.as_uri()}#case-q7", "--dump-dom")
    assert "120 of 120 shown" in dom
    assert "<title>Evaluation of default</title>" in dom
    assert re.search(r'<details class="case" id="case-q7"[^>]*open=""', dom)
    picture = evil_run / "report.png"
    shown(path.as_uri(), f"--screenshot={picture}", "--window-size=1100,1600")
    assert picture.stat().st_size > 20_000
    assert content == path.read_text(encoding="utf-8")
