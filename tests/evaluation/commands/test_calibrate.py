"""``calibrate`` as a user runs it: a real collection, real questions, and what is refused afterwards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command_line import run
from pdf_factory import chinese_pdf

from qa_engine import QueryEngine
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths

TOWERS = ("望江", "听雨", "观澜", "凌云", "明月", "松风", "揽翠", "碧波", "晨钟", "朝霞", "晚晴", "静远")
CITIES = ("临川", "平湖", "宁海", "东山", "西川", "南屏", "北林", "永安", "长乐", "新昌", "建德", "怀远")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Path:
    folder = tmp_path_factory.mktemp("calibrate")
    lines = []
    for number, (tower, city) in enumerate(zip(TOWERS, CITIES, strict=True)):
        height, year = f"{30 + number}.5米", f"{1400 + 7 * number}年"
        chinese_pdf(
            folder / "pdf" / f"{tower}塔.pdf",
            [f"{tower}塔位于{city}城北，高{height}。该塔建成于{year}，每天开放。"],
        )
        lines += [
            {"question": f"{tower}塔有多高？", "answers": [height], "file": f"{tower}塔.pdf"},
            {"question": f"{tower}塔是哪一年建成的？", "answers": [year]},
        ]
    (folder / "questions.jsonl").write_text(
        "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8"
    )
    (folder / "few.jsonl").write_text(
        '{"question": "望江塔有多高？", "answers": ["30.5米"]}\n', encoding="utf-8"
    )
    assert run("ingest", "pdf", cwd=folder, QA_ENGINE_CACHE=str(model_cache)).returncode == 0
    return folder


def recorded(place: Path) -> dict[str, Any] | None:
    catalog = Catalog(collection_paths(place / "storage", "default").catalog)
    try:
        value = catalog.meta("calibration")
    finally:
        catalog.close()
    return json.loads(value) if value else None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Name a file of questions, or give --reset without one"),
        (["few.jsonl"], "There are 1 questions with an answer and 1 without one, and 20 of either"),
    ],
)
def test_what_cannot_be_done_is_refused_and_nothing_is_stored(
    place: Path, local_model: Path, arguments: list[str], message: str
) -> None:
    done = run("calibrate", *arguments, cwd=place)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in " ".join(done.stderr.split())
    assert recorded(place) is None


def test_calibration_is_measured_stored_used_and_forgotten(place: Path, local_model: Path) -> None:
    dry = run("calibrate", "questions.jsonl", "--dry-run", cwd=place)
    assert dry.returncode == 0, dry.stderr
    for words in (
        "24 questions with an answer, 24 without one",
        "before",
        "calibrated",
        "was not stored with default",
    ):
        assert words in dry.stdout
    assert recorded(place) is None

    done = run("calibrate", "questions.jsonl", "--json", cwd=place)
    assert done.returncode == 0, done.stderr
    output = json.loads(done.stdout)
    assert (output["answerable"], output["unanswerable"], output["asked_again"], output["stored"]) == (
        24,
        24,
        24,
        True,
    )
    assert output["after"]["false"] <= 0.05
    stored = recorded(place)
    assert stored is not None
    assert stored["model"] == output["model"]
    assert stored["reranker"] == "late-interaction"

    engine = QueryEngine.open(place / "storage")
    known, unknown = (
        engine.query(question) for question in ("望江塔有多高？", "量子计算机的退相干时间是多少？")
    )
    assert (known.refused, unknown.refused) == (False, True)
    assert unknown.probability < output["model"]["threshold"] <= known.probability

    forgotten = run("calibrate", "--reset", cwd=place)
    assert "forgotten" in forgotten.stdout
    assert recorded(place) is None
    assert QueryEngine.open(place / "storage").query("望江塔有多高？").probability != known.probability
