"""Rerankers on the same candidates: the whole script with a tiny cross-encoder, and its parts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import rerankers
import typer
from corpus import Question
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from typer.testing import CliRunner

from qa_engine.config import Config

app = typer.Typer()
app.command()(rerankers.main)


def test_stock_reranker_beside_ours(squad: Path, tmp_path: Path, tiny_model: Path, local_model: Path) -> None:
    arguments = [str(squad), "--model", str(tiny_model), "--paragraphs-per-file", "1", "--seed", "5"]
    result = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / "out")], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    written = (tmp_path / "out" / "rerankers-places.md").read_text(encoding="utf-8")
    assert written.count("4 PDFs, 4 pages, 4 paragraphs, 4 questions, seed 5.") == 2
    content = json.loads((tmp_path / "out" / "rerankers-places.json").read_text(encoding="utf-8"))
    stock = f"stock {tiny_model.name}"
    assert list(content["rerankers"]) == ["fused", "qa_engine", stock]
    assert [(one["name"], one["base"]) for one in content["differences"]] == [
        ("qa_engine", "fused"),
        ("qa_engine", stock),
    ]
    assert content["candidates_mean"] == 4
    # The same candidates, all of them within ten: nobody can lose an answer, only rank it lower.
    assert all(None not in content["ranks"][name] for name in content["rerankers"])
    assert content["rerankers"]["qa_engine"]["MRR@10"] == 1
    assert len({summary["passage_chars_mean"] for summary in content["rerankers"].values()}) == 1


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("/no/such/folder", "there is no such folder"),
        ("./nowhere", "there is no such folder"),
        ("no-one/no-model", "no cross-encoder could be loaded ("),
    ],
)
def test_model_that_cannot_be_loaded_is_one_sentence(
    model: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(typer.BadParameter) as raised:
        rerankers.build_stock(model, Config())
    assert str(raised.value).startswith(f"{model}: {reason}")
    assert "\n" not in str(raised.value)


def test_folder_without_a_model_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(typer.BadParameter, match="no cross-encoder could be loaded"):
        rerankers.build_stock(str(tmp_path), Config())


def test_stock_sees_as_many_tokens_as_the_configuration_says(tiny_model: Path) -> None:
    stock = rerankers.build_stock(str(tiny_model), Config(rerank={"max_length": 32}))
    nodes = [NodeWithScore(node=TextNode(text=text * 500), score=1.0) for text in ("lake ", "tower ")]
    assert len(stock(nodes, QueryBundle("lake"))) == 2


def test_configuration_without_a_reranker_is_refused() -> None:
    with pytest.raises(typer.BadParameter, match="nothing to compare"):
        rerankers.build_default(Config(rerank={"model": "none"}))


def test_each_reranker_gets_a_copy_of_its_own() -> None:
    passages = [
        NodeWithScore(node=TextNode(text=text), score=score) for text, score in (("一", 2.0), ("二", 1.0))
    ]
    question = Question("q", "问", ("二",), False, "a.pdf", "")

    def spoil(nodes: list[NodeWithScore], _: QueryBundle) -> list[NodeWithScore]:
        for node in nodes:
            node.score = 0.0
            node.node.metadata["spoilt"] = True
        return nodes[::-1]

    def see(nodes: list[NodeWithScore], _: QueryBundle) -> list[NodeWithScore]:
        assert [node.score for node in nodes] == [2.0, 1.0]
        assert not any(node.node.metadata for node in nodes)
        return rerankers.keep_order(nodes, QueryBundle("问"))

    first, second = rerankers.rerank_all({"spoil": spoil, "see": see}, [passages], [question], nodes=2)
    assert (first.ranks, second.ranks) == ([1], [2])
