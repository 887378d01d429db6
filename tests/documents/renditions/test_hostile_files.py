"""Files that are made to harm their reader: each is refused for the right reason or read without harm."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile_files import HARMLESS, HostileFile, hostile_files, paragraph, word

from qa_engine.config import DocumentsConfig
from qa_engine.documents.processes.parsing_pool import ParsingPool
from qa_engine.errors import DocumentError

SECRET = "the secret of this machine"


class Listener:
    """A server on the loopback that counts who asks it."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.asked = 0
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.getsockname()[1]}"

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._server.close()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return  # it was closed
            self.asked += 1
            connection.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    server = Listener()
    yield server
    server.close()


def good(folder: Path, number: int) -> Path:
    path = folder / f"good{number}.docx"
    path.write_bytes(word(paragraph("A good file.")))
    return path


def test_nothing_is_harmed(tmp_path: Path, listener: Listener) -> None:
    pytest.importorskip("openpyxl")
    pytest.importorskip("pptx")
    secret = tmp_path / "secret.txt"
    secret.write_text(SECRET)
    folder = tmp_path / "files"
    folder.mkdir()
    files = {folder / one.name: one for one in hostile_files(listener.url, str(secret))}
    assert len(files) >= 40
    paths: list[Path] = []
    for number, (path, one) in enumerate(files.items()):
        path.write_bytes(one.content)
        paths += [path, good(folder, number)] if number % 10 == 0 else [path]
    before = sorted(one.name for one in folder.iterdir())
    config = DocumentsConfig(timeout_seconds=20, ocr="never")
    wrong: list[str] = []
    with ParsingPool(config, 2, storage=tmp_path / "storage") as pool:
        for path, parsed in pool.parse(paths):
            if isinstance(parsed, DocumentError):
                told, text = parsed.reason, str(parsed)
            else:
                told, text = HARMLESS, parsed.text
            expected = files.get(path, HostileFile(path.name, b"", frozenset({HARMLESS})))
            if told not in expected.reasons:
                wrong.append(f"{path.name}: {told or 'read'}: {text[:200]}")
            if SECRET in text or "scripted" in text or "lollol" in text:
                wrong.append(f"{path.name} gave away {text[:200]}")
            if told and path.name not in text:
                wrong.append(f"{path.name} is not named: {text[:200]}")
    assert not wrong, "\n".join(wrong)
    assert listener.asked == 0
    assert sorted(one.name for one in folder.iterdir()) == before
    assert not Path("/tmp/outside.xml").exists()
    assert secret.read_text() == SECRET
