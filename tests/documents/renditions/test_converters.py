"""Converters of users, offered by a package as an entry point."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hash_embedding import HashEmbedding
from ingest_process import stored_files

from qa_engine.config import Config
from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.pdf.reading import read_pdf
from qa_engine.documents.renditions.converters import load_converter
from qa_engine.errors import ConfigurationError, DocumentError
from qa_engine.ingestion.ingest import ingest
from qa_engine.ingestion.report import IngestReport

CONVERTER = """
from qa_engine.documents.blocks import Role
from qa_engine.documents.renditions.elements import Content, Element
from qa_engine.documents.renditions.rendition import Rendition
from qa_engine.documents.renditions.typesetting import typeset

class Drawing:
    suffixes = (".drawing", ".md")
    version = 1

    def convert(self, path, options):
        text = path.read_text("utf-8")
        if text == "raise":
            raise OverflowError("too many lines")
        if text == "none":
            return None
        made = typeset(Content([Element(Role.HEADING, "Drawing", 1), Element(Role.BODY, text)]))
        return made if text != "as a PDF" else Rendition(made.pdf)

drawing = Drawing()
no_converter = object()
"""

Package = Callable[[str, str], str]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Package:
    """Installs a package that offers a converter; returns its name, which no other test has."""
    folder = tmp_path / "site"
    number = abs(hash(request.node.nodeid))

    def install(target: str, code: str = CONVERTER) -> str:
        module, name = f"drawings_{number}", f"drawing{number}"
        info = folder / f"{module}-1.0.dist-info"
        info.mkdir(parents=True)
        (folder / f"{module}.py").write_text(code)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[qa_engine.converters]\n{name} = {module}:{target}\n")
        monkeypatch.syspath_prepend(str(folder))
        monkeypatch.setenv("PYTHONPATH", ":".join([str(folder), *filter(None, sys.path)]))
        return name

    return install


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def run(docs: Path, storage: Path, *names: str) -> IngestReport:
    config = Config.of({"documents": {"converters": list(names)}})
    return ingest(docs, storage, config=config, embed_model=HashEmbedding(model_name="hash"))


def test_one_that_is_not_installed_is_told_before_anything_is_done(docs: Path, storage: Path) -> None:
    write(docs, "a.md", "x")
    with pytest.raises(ConfigurationError, match="no installed package offers the converter 'nothing'"):
        run(docs, storage, "nothing")
    assert not storage.exists()


@pytest.mark.parametrize(
    ("target", "message"),
    [("missing", "cannot be loaded"), ("no_converter", "is no converter: it needs suffixes")],
)
def test_what_is_no_converter_is_refused(package: Package, target: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        load_converter(package(target, CONVERTER))


@pytest.mark.parametrize(
    ("text", "message"), [("raise", "OverflowError: too many lines"), ("none", "NoneType")]
)
def test_one_that_fails_fails_its_file_alone(
    package: Package, docs: Path, storage: Path, text: str, message: str
) -> None:
    write(docs, "a.drawing", text)
    write(docs, "b.drawing", "The pump has seven bolts.")
    report = run(docs, storage, package("Drawing", CONVERTER))
    ((name, reason, told),) = [(Path(one.file).name, one.reason, one.message) for one in report.failures]
    assert (name, reason, message in told) == ("a.drawing", "damaged", True)
    assert list(stored_files(storage)) == ["b.drawing"]


@pytest.mark.parametrize("target", ["Drawing", "drawing"])
def test_it_reads_further_formats_and_those_of_ours(
    package: Package, docs: Path, storage: Path, target: str
) -> None:
    write(docs, "a.drawing", "The pump has seven bolts.")
    write(docs, "a.md", "- The valve has two bolts.")
    name = package(target, CONVERTER)
    options = ReadingOptions(converters=(name,))
    assert read_pdf(docs / "a.drawing", options).sections[-1] == ("Drawing",)
    assert "- The valve" in read_pdf(docs / "a.md", options).text
    assert "- The valve" not in read_pdf(docs / "a.md").text
    assert run(docs, storage, name).added == 2
    assert run(docs, storage, name).unchanged == 2
    assert run(docs, storage).updated == 1  # the other is no document any more


def test_a_pdf_alone_is_read_as_any_other(package: Package, docs: Path) -> None:
    options = ReadingOptions(converters=(package("drawing", CONVERTER),))
    found = read_pdf(write(docs, "a.drawing", "as a PDF"), options)
    assert "as a PDF" in found.text
    assert found.pages[0].parser != "source"


def test_without_it_the_ending_is_unknown(docs: Path) -> None:
    with pytest.raises(DocumentError) as caught:
        read_pdf(write(docs, "a.drawing", "text"))
    assert caught.value.reason == "not_pdf"
