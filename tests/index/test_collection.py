"""Names of collections, and which of them exist."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.config import EmbeddingConfig
from qa_engine.errors import CollectionNotFoundError, ConfigurationError, InputError, StorageError
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import (
    collection_paths,
    embedding_identity,
    list_collections,
    require_collection,
    require_identity,
)

STORAGE = Path("storage")


def folder(name: str) -> str:
    paths = collection_paths(STORAGE, name)
    assert paths.root.parent == STORAGE
    return paths.root.name


def make(storage: Path, name: str) -> None:
    paths = collection_paths(storage, name)
    paths.root.mkdir(parents=True)
    catalog = Catalog(paths.catalog, create=True)
    catalog.set_meta(name=name)
    catalog.close()


@pytest.mark.parametrize("name", ["default", "a", "legal-2024", "v1.2_x"])
def test_plain_name_is_its_own_folder(name: str) -> None:
    assert folder(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "合同",
        "合同 2024",
        "a/b",
        "../../etc",
        ".",
        "..",
        ".hidden",
        "-x",
        "CON:",
        "a" * 200,
        "\U0001f600",
        "C:\\x",
    ],
)
def test_any_other_name_has_a_safe_folder_within_the_storage(name: str) -> None:
    assert folder(name).startswith("c-")
    assert folder(name).isascii()
    assert len(folder(name)) < 40


@pytest.mark.parametrize(
    "name", ["", " ", "\t", "\u3000", "a\nb", "a\0b", "\x7f", "x" * 201, "a\udcff", "\ud800"]
)
def test_name_that_is_none_is_refused_and_shown(name: str) -> None:
    with pytest.raises(InputError) as raised:
        collection_paths(STORAGE, name)
    assert repr(name) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_names_that_differ_in_case_do_not_share_a_folder_on_any_disk() -> None:
    folders = {folder(name).lower() for name in ("docs", "Docs", "DOCS")}
    assert len(folders) == 3


def test_blanks_around_a_name_and_forms_of_one_character_do_not_matter() -> None:
    assert folder(" docs ") == folder("docs")
    assert folder("cafe\u0301") == folder("café")


@pytest.mark.parametrize("name", ["con", "nul", "com1", "lpt1.x", "aux.txt", "v1.", "c-33e3580c093111e1"])
def test_reserved_name_has_a_folder_of_its_own_and_an_old_collection_keeps_its_folder(
    name: str, tmp_path: Path
) -> None:
    assert folder(name) not in {name, name.rstrip("."), folder("甲"), folder(f"{name}x")}
    (tmp_path / name).mkdir()
    catalog = Catalog(tmp_path / name / "catalog.sqlite", create=True)
    catalog.set_meta(name=name)
    catalog.close()
    assert require_collection(tmp_path, name).root == tmp_path / name
    assert list_collections(tmp_path) == [name]


def test_encoded_form_of_a_name_is_another_collection_unless_its_own_name_is_lost(tmp_path: Path) -> None:
    encoded = folder("甲")
    make(tmp_path, "甲")
    make(tmp_path, encoded)
    assert list_collections(tmp_path) == [encoded, "甲"]
    assert require_collection(tmp_path, encoded).root.name not in {encoded, ""}
    # A collection whose catalog is damaged is listed, and asked for, by its folder.
    (tmp_path / encoded / "catalog.sqlite").write_bytes(b"rubbish" * 999)
    assert collection_paths(tmp_path, encoded).root == tmp_path / encoded


@pytest.mark.parametrize("place", ["a\0b", "a\udcff"])
def test_storage_that_cannot_be_opened_is_refused_before_anything_is_made(place: str) -> None:
    with pytest.raises(InputError, match="cannot be the folder of the storage"):
        collection_paths(Path(place), "c")


@given(st.lists(st.text("abAB合同.-_ /", min_size=1, max_size=8), min_size=2, max_size=2))
def test_different_names_have_different_folders(names: list[str]) -> None:
    one, other = (name.strip() for name in names)
    if one and other:
        assert (folder(one).lower() == folder(other).lower()) is (one == other)


def test_parts_of_a_collection_are_below_its_folder() -> None:
    paths = collection_paths(STORAGE, "c")
    for part in (paths.catalog, paths.chroma, paths.bm25):
        assert paths.root in part.parents


def test_collections_are_listed_by_the_names_they_were_given(tmp_path: Path) -> None:
    for name in ("合同", "b", "A"):
        make(tmp_path, name)
    assert list_collections(tmp_path) == ["A", "b", "合同"]
    assert require_collection(tmp_path, "合同") == collection_paths(tmp_path, "合同")


def test_no_storage_has_no_collections(tmp_path: Path) -> None:
    assert list_collections(tmp_path / "nowhere") == []
    assert list_collections(tmp_path) == []


def test_missing_collection_is_refused_with_those_that_exist(tmp_path: Path) -> None:
    make(tmp_path, "合同")
    make(tmp_path, "default")
    with pytest.raises(CollectionNotFoundError, match=r"'defautl'.*default, 合同"):
        require_collection(tmp_path, "defautl")
    assert not (tmp_path / "defautl").exists()


def test_missing_collection_in_an_empty_storage_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(CollectionNotFoundError, match="qa-engine ingest"):
        require_collection(tmp_path, "default")


def test_damaged_neighbour_does_not_hide_that_a_collection_is_missing(tmp_path: Path) -> None:
    make(tmp_path, "good")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "catalog.sqlite").write_bytes(b"rubbish" * 999)
    with pytest.raises(CollectionNotFoundError, match="good"):
        require_collection(tmp_path, "missing")


# -- the embedding belongs to the collection


def stored(**settings: object) -> dict[str, object]:
    return json.loads(json.dumps(embedding_identity(EmbeddingConfig(**settings))))


def test_same_embedding_is_accepted() -> None:
    require_identity(stored(), EmbeddingConfig(), "c")
    require_identity(stored(), EmbeddingConfig(batch_size=8, timeout_seconds=1, query_prefix="x"), "c")


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"provider": "openai", "model": "text-embedding-3-small"}, "text-embedding-3-small"),
        ({"pass_chars": 0}, "pass_chars = 70, context_sentences = None"),
        ({"pass_chars": 90}, "pass_chars = 90"),
        ({"dimensions": 256}, "dimensions"),
    ],
)
def test_other_embedding_is_refused_with_both_values_and_a_way_out(
    changed: dict[str, object], named: str
) -> None:
    with pytest.raises(ConfigurationError) as raised:
        require_identity(stored(), EmbeddingConfig(**changed), "合同")
    text = str(raised.value)
    assert named in text
    assert "合同" in text
    assert "qa-engine ingest" in text


def test_context_that_does_not_count_is_not_asked_for() -> None:
    """Shared passes have no neighbours; a model that gives one vector for a text shares no pass."""
    require_identity(stored(), EmbeddingConfig(context_sentences=3), "c")
    remote = {"provider": "openai", "model": "bge-m3"}
    require_identity(stored(**remote), EmbeddingConfig(**remote, pass_chars=0), "c")
    with pytest.raises(ConfigurationError, match="context_sentences = 2"):
        require_identity(stored(**remote), EmbeddingConfig(**remote, context_sentences=2), "c")


def test_collection_of_before_there_were_shared_passes(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.sqlite", create=True)
    of_before = {key: value for key, value in stored(pass_chars=0).items() if key != "pass_chars"}
    catalog.set_meta(identity=json.dumps(of_before))
    require_identity(catalog.identity, EmbeddingConfig(pass_chars=0), "c")
    with pytest.raises(
        ConfigurationError, match="pass_chars = 0, but the configuration says pass_chars = 70"
    ):
        require_identity(catalog.identity, EmbeddingConfig(), "c")
    catalog.close()


def test_other_prefix_of_a_remote_model_is_refused() -> None:
    remote = {"provider": "openai", "model": "bge-m3"}
    with pytest.raises(ConfigurationError, match="query_prefix"):
        require_identity(stored(**remote), EmbeddingConfig(**remote, query_prefix="Q: "), "c")


def test_identity_holds_no_secret_and_no_address() -> None:
    identity = stored(provider="openai", model="m", api_key="sk-secret", base_url="http://host/v1")
    assert "sk-secret" not in json.dumps(identity)
    assert "host" not in json.dumps(identity)


def test_collection_without_identity_was_never_completed() -> None:
    with pytest.raises(StorageError, match="never completed"):
        require_identity(None, EmbeddingConfig(), "c")
