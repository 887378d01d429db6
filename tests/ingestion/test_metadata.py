"""What people note about their files: sidecars, a CSV table, and what happens when either is wrong or changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hash_embedding import HashEmbedding
from ingest_process import ingest, stored_files
from pdf_factory import chinese_pdf, english_pdf

from qa_engine.errors import DocumentError, InputError
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths
from qa_engine.ingestion.files.metadata import MetadataTable, read_sidecar

integration = pytest.mark.usefixtures("parsed_in_place")


def noted(storage: Path) -> dict[str, dict[str, Any]]:
    """What the catalog has noted, by file name."""
    catalog = Catalog(collection_paths(storage, "default").catalog)
    try:
        return {record.file_name: record.metadata for record in catalog.files().values()}
    finally:
        catalog.close()


def sidecar(folder: Path, content: str | bytes, name: str = "a.pdf.meta.json") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder / "a.pdf"


def table(folder: Path, content: str | bytes) -> Path:
    path = folder / "files.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


class TestSidecar:
    @pytest.mark.parametrize(
        ("content", "why"),
        [
            ("{", "not JSON"),
            ("", "not JSON"),
            (b"\xff\xfe", "not JSON"),
            ("[" * 100_000, "not JSON"),
            ('{"year": 1, "year": 2}', "'year' occurs twice"),
            ("[1]", "not an object"),
            ('"2024"', "not an object"),
            ('{"year": null}', r"'year' is None"),
            ('{"by": "\\ud800"}', "lone surrogates"),
            ('{"tags": ["a"]}', r"'tags' is \['a'\]"),
            ('{"by": {"name": "Li"}}', r"'by' is \{'name': 'Li'\}"),
            ('{"year": NaN}', r"'year' is nan"),
            ('{"year": 1e999}', r"'year' is inf"),
            ('{"page": 3}', "'page' is reserved"),
            ('{"section": "x"}', "'section' is reserved"),
            ('{"": 3}', "'' cannot be used"),
            ('{"a>b": 3}', "'a>b' cannot be used"),
            ('{"x": "' + "y" * 1_000_000 + '"}', "1,000,000 bytes"),
        ],
    )
    def test_one_that_cannot_be_used_is_a_failure_with_its_name(
        self, content: str, why: str, tmp_path: Path
    ) -> None:
        pdf = sidecar(tmp_path, content)
        with pytest.raises(DocumentError, match=rf"a\.pdf\.meta\.json cannot be used, .*{why}") as caught:
            read_sidecar(pdf)
        assert caught.value.reason == "metadata"

    def test_a_folder_in_its_place_is_a_failure(self, tmp_path: Path) -> None:
        (tmp_path / "a.pdf.meta.json").mkdir()
        with pytest.raises(DocumentError, match="cannot be read"):
            read_sidecar(tmp_path / "a.pdf")

    def test_without_one_nothing_is_noted(self, tmp_path: Path) -> None:
        assert read_sidecar(tmp_path / "a.pdf") == {}

    def test_a_name_that_leaves_no_room_for_one_has_none(self, tmp_path: Path) -> None:
        assert read_sidecar(tmp_path / f"{'a' * 250}.pdf") == {}

    def test_scalars_are_kept_as_they_are(self, tmp_path: Path) -> None:
        content = {"年份": 2024, "share": 0.5, "draft": False, "author": "李"}
        pdf = sidecar(tmp_path, b"\xef\xbb\xbf" + json.dumps(content, ensure_ascii=False).encode())
        assert read_sidecar(pdf) == content

    def test_the_full_name_goes_before_the_short_one(self, tmp_path: Path) -> None:
        pdf = sidecar(tmp_path, '{"year": 1}', "a.meta.json")
        assert read_sidecar(pdf) == {"year": 1}
        sidecar(tmp_path, '{"year": 2}')
        assert read_sidecar(pdf) == {"year": 2}


class TestTable:
    @pytest.mark.parametrize(
        ("content", "why"),
        [
            ("", "one column 'file', its first line has none"),
            ("name,year\na.pdf,1\n", "one column 'file', its first line has name, year"),
            ("file,file\na.pdf,1\n", "one column 'file'"),
            ("file,year,year\na.pdf,1,2\n", "same name"),
            ("file,year\na.pdf,1,2\n", "line 2 has 3 cells"),
            ("file,year\n,2024\n", "line 2 names no file"),
            ("file,year\na.pdf,1\n./a.pdf,2\n", "line 3 names './a.pdf' again"),
            ("file,page\na.pdf,1\n", "in line 2 the key 'page' is reserved"),
            ("file,\na.pdf,1\n", "in line 2 the key '' cannot be used"),
            ('file,year\na.pdf,"1\n', "not CSV"),
            ("file,作者\na.pdf,李\n".encode("gbk"), "not UTF-8"),
        ],
    )
    def test_one_that_cannot_be_used_is_refused_before_anything_is_done(
        self, content: str | bytes, why: str, tmp_path: Path
    ) -> None:
        with pytest.raises(InputError, match=rf"files\.csv cannot be used, .*{why}"):
            MetadataTable.read(table(tmp_path, content))

    def test_one_that_is_not_there_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"nothing\.csv cannot be used, it cannot be read"):
            MetadataTable.read(tmp_path / "nothing.csv")

    def test_numbers_are_recognised_and_empty_cells_say_nothing(self, tmp_path: Path) -> None:
        content = "\ufefffile,year,share,code,note\na.pdf, 2024 ,0.5,007,\n\n"
        row = MetadataTable.read(table(tmp_path, content)).row(tmp_path / "a.pdf")
        assert row == {"year": 2024, "share": 0.5, "code": "007"}

    def test_a_longer_path_goes_before_a_shorter_one(self, tmp_path: Path) -> None:
        read = MetadataTable.read(table(tmp_path, "file,year\na.pdf,1\nold/a.pdf,2\nx\\old\\a.pdf,3\n"))
        assert [read.row(Path(path))["year"] for path in ("/d/a.pdf", "/d/old/a.pdf", "/x/old/a.pdf")] == [
            1,
            2,
            3,
        ]
        assert read.row(Path("/d/ba.pdf")) == {}

    def test_names_in_the_other_form_of_unicode_are_the_same(self, tmp_path: Path) -> None:
        read = MetadataTable.read(table(tmp_path, "file,year\ncafe\u0301.pdf,1\n"))
        assert read.row(Path("/caf\u00e9.pdf")) == {"year": 1}


@integration
class TestIngest:
    def test_a_table_in_the_folder_is_no_document_unless_it_is_named(self, docs: Path, storage: Path) -> None:
        english_pdf(docs / "b.pdf")
        csv = table(docs, "file,year\nb.pdf,2000\n")
        (docs / "prices.csv").write_text("name,price\npump,7\n")
        assert ingest(docs, storage, metadata=csv).added == 2
        assert ingest(docs, storage, prune=True).unchanged == 2
        assert noted(storage) == {"b.pdf": {"year": 2000}, "prices.csv": {}}
        assert ingest([docs, csv], storage, metadata=csv).unchanged == 2
        assert ingest([docs, csv], storage).added == 1

    def test_a_malformed_sidecar_fails_its_file_alone(self, docs: Path, storage: Path) -> None:
        english_pdf(docs / "b.pdf")
        chinese_pdf(sidecar(docs, "{"))
        report = ingest(docs, storage)
        assert [(Path(failure.file).name, failure.reason) for failure in report.failures] == [
            ("a.pdf", "metadata")
        ]
        assert list(stored_files(storage)) == ["b.pdf"]

    def test_a_sidecar_that_became_malformed_leaves_the_earlier_version(
        self, docs: Path, storage: Path
    ) -> None:
        chinese_pdf(sidecar(docs, '{"year": 2023}'))
        ingest(docs, storage)
        sidecar(docs, "{")
        assert ingest(docs, storage).failures[0].reason == "metadata"
        assert noted(storage) == {"a.pdf": {"year": 2023}}

    def test_a_changed_sidecar_takes_effect_without_embedding_or_a_new_state(
        self, docs: Path, storage: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        chinese_pdf(sidecar(docs, '{"year": 2023}'))
        ingest(docs, storage)
        published = Catalog(collection_paths(storage, "default").catalog).published
        monkeypatch.setattr(
            HashEmbedding, "_get_text_embedding", lambda *_: pytest.fail("embedded for nothing")
        )
        for content, expected in (
            ('{"year": 2024}', {"year": 2024}),
            ('{"year": true}', {"year": True}),
            ('{"year": 1}', {"year": 1}),
        ):
            sidecar(docs, content)
            report = ingest(docs, storage)
            assert (report.updated, report.unchanged, report.nodes) == (1, 0, 0)
            assert repr(noted(storage)["a.pdf"]) == repr(expected)
        (docs / "a.pdf.meta.json").unlink()
        assert ingest(docs, storage).updated == 1
        assert noted(storage) == {"a.pdf": {}}
        assert Catalog(collection_paths(storage, "default").catalog).published == published
        assert ingest(docs, storage).unchanged == 1

    def test_a_table_stays_until_another_comes_and_a_sidecar_goes_before_it(
        self, docs: Path, storage: Path
    ) -> None:
        chinese_pdf(sidecar(docs, '{"year": 2024}'))
        english_pdf(docs / "b.pdf")
        csv = table(docs, "file,year,author\na.pdf,1999,李\nb.pdf,2000,Wu\n")
        ingest(docs, storage, metadata=csv)
        both = {"a.pdf": {"year": 2024, "author": "李"}, "b.pdf": {"year": 2000, "author": "Wu"}}
        assert noted(storage) == both
        assert ingest(docs, storage).unchanged == 2
        assert noted(storage) == both
        report = ingest(docs, storage, metadata=table(docs, "file,year\na.pdf,1998\n"))
        assert (report.updated, report.unchanged) == (2, 0)
        assert noted(storage) == {"a.pdf": {"year": 2024}, "b.pdf": {}}

    def test_a_changed_file_keeps_what_is_noted_about_it(self, docs: Path, storage: Path) -> None:
        chinese_pdf(docs / "a.pdf")
        ingest(docs, storage, metadata=table(docs, "file,year\na.pdf,1998\n"))
        english_pdf(docs / "a.pdf")
        assert ingest(docs, storage).updated == 1
        assert noted(storage) == {"a.pdf": {"year": 1998}}

    def test_rows_that_fit_no_file_are_named(self, docs: Path, storage: Path) -> None:
        chinese_pdf(docs / "a.pdf")
        rows = "".join(f"{number}.pdf,1\n" for number in range(7))
        report = ingest(docs, storage, metadata=table(docs, f"file,year\na.pdf,1\n{rows}"))
        assert report.warnings == [
            "files.csv: no file of this run is 0.pdf, 1.pdf, 2.pdf, 3.pdf, 4.pdf and 2 more."
        ]

    def test_a_table_that_cannot_be_used_stops_the_run_before_it_begins(
        self, docs: Path, storage: Path
    ) -> None:
        chinese_pdf(docs / "a.pdf")
        with pytest.raises(InputError):
            ingest(docs, storage, metadata=table(docs, "year\n"))
        assert not storage.exists()
