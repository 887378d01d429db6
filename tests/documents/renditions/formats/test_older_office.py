"""Files of older office programs, by way of LibreOffice; some are skipped where it is not installed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.pdf.reading import read_pdf
from qa_engine.documents.renditions.conversion import converted, libreoffice_available
from qa_engine.errors import DocumentError

RTF = r"{\rtf1\ansi\ansicpg936 {\b Leave}\par The annual leave has fifteen days.\par %s}"
needs_libreoffice = pytest.mark.skipif(not libreoffice_available(), reason="LibreOffice is not installed")


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def script(folder: Path, text: str) -> str:
    """A program in the place of LibreOffice."""
    path = folder / "office"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def reason(path: Path, **options: object) -> tuple[str, str]:
    with pytest.raises(DocumentError) as caught:
        read_pdf(path, ReadingOptions(**options))  # type: ignore[arg-type]
    return caught.value.reason, str(caught.value)


@pytest.mark.parametrize("name", ["旧.doc", "旧.xls", "旧.ppt", "a.odt", "a.rtf", "a.wps"])
def test_without_libreoffice_the_message_says_how_to_get_it(tmp_path: Path, name: str) -> None:
    why, message = reason(write(tmp_path, name, "x"), libreoffice="/no/such/program")
    assert why == "unsupported"
    assert name in message
    assert "apt-get install" in message


def test_one_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    mark = tmp_path / "process"
    program = script(tmp_path, f"sleep 600 & echo $! > {mark}; wait")
    before = time.monotonic()
    why, message = reason(write(tmp_path, "a.doc", "x"), libreoffice=program, timeout_seconds=1)
    assert (why, time.monotonic() - before < 60) == ("timeout", True)
    assert "a.doc" in message
    child = int(mark.read_text())
    while Path(f"/proc/{child}").exists():  # a zombie is gone once its new parent has looked
        if Path(f"/proc/{child}/stat").read_text().split()[2] == "Z":
            break
        time.sleep(0.05)


def test_one_that_crashes_says_what_it_said(tmp_path: Path) -> None:
    program = script(tmp_path, "echo 'source file could not be loaded' >&2; exit 1")
    why, message = reason(write(tmp_path, "a.doc", "x"), libreoffice=program)
    assert why == "damaged"
    assert "source file could not be loaded" in message


def test_it_gets_a_copy_a_profile_without_macros_and_no_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    told = tmp_path / "told"
    program = script(
        tmp_path, f'env > {told}; echo "$@" >> {told}; cat profile/user/registrymodifications.xcu >> {told}'
    )
    path = write(tmp_path, "a.doc", "x")
    reason(path, libreoffice=program)
    text = told.read_text()
    assert "secret" not in text
    assert str(path) not in text
    assert "DisableMacrosExecution" in text
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith((".~", "qa"))] == []


@needs_libreoffice
@pytest.mark.slow
class TestLibreOffice:
    @pytest.mark.parametrize("suffix", ["doc", "odt", "rtf", "wps"])
    def test_texts_are_read_with_their_headings(self, tmp_path: Path, suffix: str) -> None:
        docx = pytest.importorskip("docx")
        document = docx.Document()
        document.add_heading("休假", 1)
        document.add_paragraph("年假为十五天。")
        document.save(tmp_path / "a.docx")
        path = self._converted(tmp_path / "a.docx", "doc" if suffix == "wps" else suffix)
        found = read_pdf(path.rename(path.with_suffix(f".{suffix}")), ReadingOptions())
        assert "年假为十五天。" in found.text
        assert found.sections[-1] == ("休假",)

    @pytest.mark.parametrize("suffix", ["xls", "ods"])
    def test_workbooks_are_read_by_their_cells(self, tmp_path: Path, suffix: str) -> None:
        openpyxl = pytest.importorskip("openpyxl")
        book = openpyxl.Workbook()
        for row in (["部件", "价格"], ["水泵", 71], ["阀门", 12]):
            book.active.append(row)
        book.save(tmp_path / "a.xlsx")
        found = read_pdf(self._converted(tmp_path / "a.xlsx", suffix), ReadingOptions())
        assert "水泵" in found.text
        assert "71" in found.text

    @pytest.mark.parametrize("suffix", ["ppt", "odp"])
    def test_slides_are_pages(self, tmp_path: Path, suffix: str) -> None:
        pptx = pytest.importorskip("pptx")
        slides = pptx.Presentation()
        for text in ("第一季度收入为七千万元。", "第二季度收入为八千万元。"):
            slide = slides.slides.add_slide(slides.slide_layouts[5])
            slide.shapes.title.text = text
        slides.save(tmp_path / "a.pptx")
        found = read_pdf(self._converted(tmp_path / "a.pptx", suffix), ReadingOptions())
        assert len(found.pages) == 2
        assert "第二季度收入为八千万元" in found.text

    def test_a_damaged_file_says_so(self, tmp_path: Path) -> None:
        why, _ = reason(write(tmp_path, "a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 2000))
        assert why in {"damaged", "no_text"}

    def test_linked_pictures_are_not_fetched(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            asked: list[bool] = []

            def listen() -> None:
                try:
                    server.accept()[0].close()
                    asked.append(True)
                except OSError:
                    return  # the server was closed

            thread = threading.Thread(target=listen)
            thread.start()
            url = f"http://127.0.0.1:{server.getsockname()[1]}/a.png"
            field = rf'{{\field{{\*\fldinst INCLUDEPICTURE "{url}" \\d}}{{\fldrslt x}}}}'
            found = read_pdf(write(tmp_path, "a.rtf", RTF % field), ReadingOptions())
            server.shutdown(socket.SHUT_RDWR)
        thread.join()
        assert "fifteen days" in found.text
        assert asked == []

    def test_nothing_of_it_stays(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        with converted(write(tmp_path, "a.rtf", RTF % ""), ".docx", ReadingOptions()) as document:
            assert document.exists()
        assert not document.parent.exists()
        assert not (tmp_path / "home").exists()

    def _converted(self, path: Path, suffix: str) -> Path:
        program = shutil.which("soffice") or "libreoffice"
        profile = path.parent / "profile"
        command = [program, f"-env:UserInstallation={profile.as_uri()}", "--headless", "--convert-to", suffix]
        environment = {**os.environ, "HOME": str(path.parent)}
        subprocess.run(
            [*command, "--outdir", str(path.parent), str(path)],
            check=True,
            capture_output=True,
            env=environment,
        )
        return path.with_suffix(f".{suffix}")
