"""Prompts compared with a scripted server: the whole script, and its verdicts."""

from __future__ import annotations

import json
from pathlib import Path

import prompts
import pytest
import typer
from openai_server import OpenAIServer, chat
from pdf_factory import chinese_pdf
from typer.testing import CliRunner

from qa_engine import REFUSAL, ingest

app = typer.Typer()
app.command()(prompts.main)


def one(accept: list[list[str]]) -> prompts.Prompted:
    return prompts.Prompted("a", "雷峰塔有多高？", accept, "⟦资料 1⟧\n高71.679米。\n⟦资料 1 完⟧", 1)


@pytest.mark.parametrize(
    ("accept", "reply", "expected"),
    [
        ([["71.679"]], "抱歉，资料中没有提到，无法回答。", {"refused"}),
        ([["71.679"]], "It is very high.", {"other", "uncited", "foreign"}),
        ([["71.679"], ["米"]], "高 71.679[1]", {"other"}),
        ([["1,200", "71.679"]], "高1200米[1]。", {"right"}),
        ([], REFUSAL, {"right", "refused"}),
        ([], "高71.679米[1]。", {"other"}),
    ],
)
def test_verdicts(accept: list[list[str]], reply: str, expected: set[str]) -> None:
    assert {name for name, holds in prompts.verdict(one(accept), reply).items() if holds} == expected


def test_variants_begin_alike_and_keep_the_passages() -> None:
    starts = set()
    for variant, last in {**prompts.LAST_LINES, prompts.HOLDS: prompts.ASK_FIRST}.items():
        system, user = one([]).messages(variant)
        assert user["content"].endswith(f"问题：雷峰塔有多高？\n\n{last}")
        starts.add((system["content"], user["content"].removesuffix(last)))
    assert len(starts) == 1
    assert "71.679" in one([]).messages(prompts.STOCK)[0]["content"]


def test_a_run_goes_on_where_it_was_cut_off(tmp_path: Path, local_model: Path) -> None:
    chinese_pdf(tmp_path / "西湖介绍.pdf")
    ingest(tmp_path / "西湖介绍.pdf", tmp_path / "storage")
    questions = tmp_path / "questions.jsonl"
    lines = [
        {"id": "a", "question": "雷峰塔有多高？", "accept": [["71.679"]]},
        {"id": "b", "question": "门票多少钱？", "accept": []},
    ]
    questions.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    with OpenAIServer(chat("高71.679米[1]。")) as server:
        arguments = [
            str(questions),
            "--base-url",
            server.url,
            "--model",
            "m",
            "--storage",
            str(tmp_path / "storage"),
        ]
        arguments += ["--out", str(tmp_path / "out")]
        for _ in range(2):
            result = CliRunner().invoke(app, arguments, catch_exceptions=False)
            assert result.exit_code == 0, result.output
        assert len(server.requests) == 2 * (len(prompts.LAST_LINES) + 2)
    assert "1 answerable" in " ".join(result.output.split())
    recorded = (tmp_path / "out" / "prompts-replies.jsonl").read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["id"] for line in recorded} == {"a", "b"}
