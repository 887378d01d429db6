"""The whole script on a small data set, with the local models; and the stages by themselves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import peers
import pytest
import retrieval
import typer
from asking import ask_all
from corpus import Question, build_corpus
from pipelines import Pipeline, build_ours, build_stages, without_reranker
from typer.testing import CliRunner

from qa_engine.config import Config

app = typer.Typer()
app.command()(retrieval.main)


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_tables_and_results(
    squad: Path, tmp_path: Path, local_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(peers.PEERS, "gone", peers.Peer("gone", "hybrid", ("no_such_module",)))  # type: ignore[arg-type]
    for name in [name for name, peer in peers.PEERS.items() if peer.needs and name != "gone"]:
        monkeypatch.delitem(peers.PEERS, name)  # type: ignore[arg-type]
    shown = run(str(squad), "--seed", "3", "--out", str(tmp_path / "out"))
    assert "Not installed and left out: gone; pip install -e '.[bench]'" in shown
    written = (tmp_path / "out" / "retrieval-places.md").read_text(encoding="utf-8")
    assert written.count("1 PDFs, 1 pages, 4 paragraphs, 4 questions, seed 3.") == 4
    for row in ("| qa_engine |", "| qa_engine − llamaindex-window |", "| dense |", "| reranked − fused |"):
        assert row in written
    assert "Errors (1 − ≤600)" in written
    content = json.loads((tmp_path / "out" / "retrieval-places.json").read_text(encoding="utf-8"))
    assert content["peers_left_out"] == ["gone"]
    assert list(content["pipelines"]) == [
        "qa_engine",
        "llamaindex-hybrid",
        "llamaindex-window",
        "llamaindex-starter",
    ]
    assert content["pipelines"]["qa_engine"]["MRR@10"] == 1
    assert [one["base"] for one in content["differences"]] == list(content["pipelines"])[1:]
    assert content["errors"]["ours"] == 0
    assert list(content["stages"]) == ["dense", "bm25", "fused", "reranked"]
    assert [(one["name"], one["base"]) for one in content["stage_differences"]] == [
        ("bm25", "dense"),
        ("fused", "dense"),
        ("fused", "bm25"),
        ("reranked", "fused"),
    ]
    assert content["stages"]["reranked"] == content["pipelines"]["qa_engine"]
    assert set(content["ranks"]) == {"ids", "dense", "bm25", "fused", *content["pipelines"]}


def test_neither_peers_nor_stages_nor_a_reranker(squad: Path, tmp_path: Path, local_model: Path) -> None:
    out = tmp_path / "out"
    run(str(squad), "--peers", "", "--no-stages", "--out", str(out))
    content = json.loads((out / "retrieval-places.json").read_text(encoding="utf-8"))
    assert list(content["pipelines"]) == ["qa_engine"]
    assert "stages" not in content and "errors" not in content
    settings = tmp_path / "plain.toml"
    settings.write_text('[rerank]\nmodel = "none"\n')
    run(str(squad), "--peers", "", "--config", str(settings), "--out", str(out))
    content = json.loads((out / "retrieval-places.json").read_text(encoding="utf-8"))
    assert list(content["stages"]) == ["dense", "bm25", "fused"]


def test_peer_that_is_unknown_is_one_sentence(squad: Path) -> None:
    result = CliRunner().invoke(app, [str(squad), "--peers", "other"])
    assert result.exit_code == 2
    assert "known peers are" in result.output


def test_a_leg_alone_returns_only_what_it_found(squad: Path, tmp_path: Path, local_model: Path) -> None:
    corpus = build_corpus(squad, tmp_path / "pdf", paragraphs_per_file=1)
    ours = build_ours(corpus.files, tmp_path / "storage", Config())
    dense, bm25, fused = (
        stage.retrieve for stage in build_stages(tmp_path / "storage", Config(), ours.nodes)
    )
    # No word of the question is in the documents, so BM25 has nothing to say; vectors always have.
    assert bm25("zebra crossings") == []
    assert len(dense("zebra crossings")) == len(fused("zebra crossings")) == 4
    # A word that only one of them has.
    (only,) = bm25("唐古拉山脉")
    assert "唐古拉山脉" in only
    assert len(dense("唐古拉山脉")) == 4


def test_settings_of_a_stage_leave_the_rest_alone() -> None:
    config = Config(retrieval={"window_chars": 300}, rerank={"max_length": 100})
    stage = without_reranker(config, dense_weight=1.0)
    assert (stage.rerank.model, stage.retrieval.dense_weight) == ("none", 1.0)
    assert (stage.rerank.max_length, stage.retrieval.window_chars) == (100, 300)
    assert (config.rerank.model, config.retrieval.dense_weight) == ("local", 0.5)


def test_each_stage_is_compared_with_the_one_before(
    made_up: Callable[[str, str], Pipeline], questions: list[Question]
) -> None:
    kinds = {"dense": "second", "bm25": "nothing", "fused": "second", "reranked": "first"}
    scores = ask_all([made_up(name, kind) for name, kind in kinds.items()], questions)
    steps = retrieval.stage_differences(scores, seed=1)
    assert [(s.name, s.base, s.intervals["MRR@10"].difference) for s in steps] == [
        ("bm25", "dense", -0.5),
        ("fused", "dense", 0),
        ("fused", "bm25", 0.5),
        ("reranked", "fused", 0.5),
    ]
    assert len(retrieval.stage_differences(scores[:3], seed=1)) == 3
