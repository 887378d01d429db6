"""Cross-encoders: a tiny one from a path, and every way of not finding one."""

from __future__ import annotations

from pathlib import Path

import pytest
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from processes import run_python

from qa_engine.config import RerankConfig
from qa_engine.errors import ModelUnavailableError
from qa_engine.models.cross_encoder import load_cross_encoder
from qa_engine.retrieval.reranking.rerank import build_reranker

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    *"abcdefghijklmnopqrstuvwxyz",
    "lake",
    "tower",
    "西",
    "湖",
]


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT with random weights and one output, saved as such models are."""
    torch = pytest.importorskip("torch", reason="the extra cross-encoder is not installed")
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from tokenizers.processors import TemplateProcessing
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny-cross-encoder")
    torch.manual_seed(0)
    settings = BertConfig(
        vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=64, num_labels=1,
    )  # fmt: skip
    BertForSequenceClassification(settings).save_pretrained(folder)
    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", WORDS.index("[CLS]")), ("[SEP]", WORDS.index("[SEP]"))],
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
        mask_token="[MASK]",
    ).save_pretrained(folder)  # fmt: skip
    return folder


def test_model_from_a_path_ranks(tiny_model: Path, hash_embedding) -> None:
    config = RerankConfig(model=str(tiny_model), device="cpu", max_length=32)
    reranker = build_reranker(config, hash_embedding, 3)
    assert reranker is not None
    assert reranker.weight == 1.0
    nodes = [NodeWithScore(node=TextNode(text=text), score=0.5) for text in ("lake", "tower a b", "西 湖")]
    ranked = reranker.postprocess_nodes(nodes, QueryBundle("lake"))
    expected = load_cross_encoder(config).predict([("lake", text) for text in ("lake", "tower a b", "西 湖")])
    order = sorted(range(3), key=lambda index: -expected[index])
    assert [node.node.get_content() for node in ranked] == [
        nodes[index].node.get_content() for index in order
    ]
    assert [node.node.metadata["scores"]["rerank"] for node in ranked] == pytest.approx(
        sorted(map(float, expected), reverse=True), abs=1e-4
    )


def test_text_above_the_limit_is_cut(tiny_model: Path) -> None:
    model = load_cross_encoder(RerankConfig(model=str(tiny_model), device="cpu", max_length=32))
    assert model.predict([("lake " * 500, "tower " * 500)]).shape == (1,)


def test_relative_path_is_taken_without_a_look_at_the_hub(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, no_network: list[str]
) -> None:
    monkeypatch.chdir(tiny_model.parent)
    load_cross_encoder(RerankConfig(model=f"./{tiny_model.name}", device="cpu", max_length=32))
    reached, no_network[:] = list(no_network), []
    assert reached == []


@pytest.mark.parametrize("name", ["/no/such/model", "./nowhere", "~/nowhere-at-all", "a/b/c"])
def test_missing_path_is_named_with_the_ways_out(name: str) -> None:
    with pytest.raises(ModelUnavailableError) as raised:
        load_cross_encoder(RerankConfig(model=name))
    text = str(raised.value)
    assert repr(name) in text
    assert "no such folder" in text
    assert "HF_ENDPOINT" in text
    assert "rerank.model = 'local'" in text


def test_folder_that_holds_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ModelUnavailableError) as raised:
        load_cross_encoder(RerankConfig(model=str(tmp_path)))
    assert str(tmp_path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_name_on_a_hub_that_cannot_be_reached_is_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sentence_transformers", reason="the extra cross-encoder is not installed")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    printed = run_python(
        "from qa_engine.config import RerankConfig\n"
        "from qa_engine.errors import ModelUnavailableError\n"
        "from qa_engine.models.cross_encoder import load_cross_encoder\n"
        "try:\n"
        "    load_cross_encoder(RerankConfig(model='BAAI/bge-reranker-large'))\n"
        "except ModelUnavailableError as error:\n"
        "    print(error.exit_code, error)\n"
    )
    (line,) = printed.splitlines()
    assert line.startswith("3 The cross-encoder 'BAAI/bge-reranker-large' cannot be loaded: ")
    for way_out in ("path", "HF_ENDPOINT", "rerank.model = 'local'"):
        assert way_out in line


def test_missing_package_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(ModelUnavailableError, match=r"pip install 'qa-engine\[cross-encoder\]'"):
        load_cross_encoder(RerankConfig(model="BAAI/bge-reranker-large"))
