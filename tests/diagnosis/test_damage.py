"""Each file of a collection is damaged in each way: that is noticed, or no answer changes; nothing hangs or crashes."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from forked import run_forked
from hash_embedding import HashEmbedding
from llama_index.core.schema import Document

from qa_engine.config import Config
from qa_engine.diagnosis.doctor import diagnose
from qa_engine.engine import QueryEngine
from qa_engine.errors import QAEngineError
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths
from qa_engine.index.vectors.token_store import TokenStore
from qa_engine.ingestion.ingest import ingest_documents
from qa_engine.ingestion.maintenance.rebuild import rebuild

HASH = HashEmbedding(model_name="hash")
PLAIN = Config(rerank={"model": "none"})
WORDS = "西湖 杭州 面积 水深 塔 建成 公里 湖泊 游客 门票 开放 时间 价格 模型 参数 训练 语言 文本 检索 向量".split()  # noqa: SIM905
QUESTIONS = ["西湖的面积", "塔建成", "第17项", "第1400项", "模型参数 训练", "门票 价格"]
DAMAGES: dict[str, Callable[[bytes], bytes | None]] = {
    **{
        f"flip {share}": lambda content, share=share: _flipped(content, int(len(content) * share))
        for share in (0.01, 0.2, 0.5, 0.8, 0.99)
    },
    "half": lambda content: content[: len(content) // 2],
    "shorter": lambda content: content[:-1],
    "empty": lambda content: b"",
    "zeros": lambda content: bytes(len(content)),
    "hole": lambda content: content[: len(content) // 3] + bytes(512) + content[len(content) // 3 + 512 :],
    "gone": lambda content: None,
}


def _flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 0x40]) + content[place + 1 :]


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A storage whose vectors are many enough for the files of Chroma's vector index."""
    storage, choice = tmp_path_factory.mktemp("damage") / "storage", random.Random(3)
    documents = [
        Document(
            text="".join(
                f"{''.join(choice.choices(WORDS, k=8))}第{number}项。" for number in range(first, first + 500)
            ),
            metadata={"file_name": f"d{first}"},
        )
        for first in (0, 500, 1000)
    ]
    ingest_documents(documents, storage, embed_model=HASH)
    return storage


def _files(storage: Path) -> list[str]:
    """The files by names that are the same in each run: folders of random names are left out."""
    files = [path for path in storage.rglob("*") if path.is_file() and path.stat().st_size]
    return sorted({path.name for path in files if "chroma.kept" not in path.parts})


def look(storage: str) -> None:
    """Prints what the questions find, the error, and what the doctor says."""
    found: dict[str, Any] = {}
    try:
        with QueryEngine.open(storage, embed_model=HASH, config=PLAIN) as engine:
            found["results"] = [
                [
                    (n.node.node_id, n.node.get_content(), n.metadata["file_name"])
                    for n in engine.retrieve(q, top_k=5)
                ]
                for q in QUESTIONS
            ]
    except QAEngineError as error:
        found["error"] = str(error)
    checks = diagnose(storage, embed_model=HASH).checks
    found["checks"] = [
        check.to_dict() for check in checks if check.status != "ok" and check.check != "disk_space"
    ]
    print(json.dumps(found))


def looked(storage: Path, at: Path) -> dict[str, Any]:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    code, output, errors = run_forked(partial(look, str(storage)), at, environment, "", 60)
    assert code == 0, errors
    return dict(json.loads(output.splitlines()[-1]))


@pytest.fixture(scope="session")
def sound(large: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What is found before any damage."""
    found = looked(large, tmp_path_factory.mktemp("sound"))
    assert found["checks"] == []
    return found


def _assert_noticed_or_harmless(large: Path, sound: dict[str, Any], at: Path, name: str, damage: str) -> None:
    copy = at / "storage"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(large, copy)
    [file] = [path for path in copy.rglob(name) if "chroma.kept" not in path.parts][:1]
    content = DAMAGES[damage](file.read_bytes())
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    found = looked(copy, at)
    assert found["checks"] or "error" in found or found["results"] == sound["results"], name


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("keys.npy", "zeros"),
        ("counts.npy", "flip 0.5"),
        ("first_rows.npy", "hole"),
        ("catalog.sqlite", "flip 0.5"),
        ("data_level0.bin", "half"),
        ("data_level0.bin", "zeros"),
        ("header.bin", "flip 0.5"),
        ("link_lists.bin", "zeros"),
        ("index_metadata.pickle", "flip 0.8"),
    ],
)
def test_damage_is_noticed_or_harmless(
    name: str, damage: str, large: Path, sound: dict[str, Any], tmp_path: Path
) -> None:
    _assert_noticed_or_harmless(large, sound, tmp_path, name, damage)


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES)
def test_every_file_damaged_in_every_way(
    damage: str, large: Path, sound: dict[str, Any], tmp_path: Path
) -> None:
    for name in _files(large):
        _assert_noticed_or_harmless(large, sound, tmp_path, name, damage)


def _failed(storage: Path) -> dict[str, str | None]:
    checks = diagnose(storage, embed_model=HASH).checks
    return {
        check.check: check.command for check in checks if check.status != "ok" and check.check != "disk_space"
    }


def test_earlier_collection_opens_and_is_told_how_to_get_checksums(large: Path, tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    shutil.copytree(large, storage)
    for file in storage.rglob("checksums.json"):
        file.unlink()
    catalog = Catalog(collection_paths(storage, "default").catalog)
    with catalog._transaction() as connection:
        connection.execute("DELETE FROM meta WHERE key LIKE '%checksum %'")
    catalog.close()
    with QueryEngine.open(storage, embed_model=HASH, config=PLAIN) as engine:
        assert engine.retrieve("第17项")
    warned = _failed(storage)
    assert sorted(warned) == ["bm25", "sentences"]
    assert all("qa-engine rebuild --collection" in str(command) for command in warned.values())
    rebuild(storage, embed_model=HASH)
    assert _failed(storage) == {}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE sentences SET text = replace(text, '西湖', '东湖')",
        "UPDATE places SET metadata = replace(metadata, '1', '2')",
        "UPDATE files SET file_name = 'other'",
        "UPDATE documents SET terms = X'00'",
    ],
)
def test_other_content_in_the_catalog_is_noticed(statement: str, large: Path, tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    shutil.copytree(large, storage)
    catalog = Catalog(collection_paths(storage, "default").catalog)
    with catalog._transaction() as connection:
        connection.execute(statement)
    catalog.close()
    assert "sentences" in _failed(storage)


def test_damaged_token_vectors_count_as_lost(tmp_path: Path) -> None:
    import numpy as np

    from qa_engine.models.token_codes import DIMENSION, TokenCodec

    file = tmp_path / "tokens.sqlite"
    vectors = np.eye(3, DIMENSION, dtype=np.float32)
    store = TokenStore(file, TokenCodec(4, np.zeros(DIMENSION, np.float32)))
    names = ["d-0000000", "d-0000001", "d-0000002"]
    store.put(names, [vectors] * 3)
    whole = store.get(names)
    with store._transaction() as connection:
        # One of an earlier version has no checksum; of another, a bit is wrong.
        connection.execute("UPDATE sentences SET codes = ? WHERE ordinal = 0", (whole[names[0]],))
        [(codes,)] = connection.execute("SELECT codes FROM sentences WHERE ordinal = 1").fetchall()
        connection.execute("UPDATE sentences SET codes = ? WHERE ordinal = 1", (_flipped(codes, 99),))
    assert store.get(names) == {name: whole[name] for name in (names[0], names[2])}
    assert store.damaged() == 1
    store.close()
