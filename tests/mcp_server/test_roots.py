"""Files are added from the folders that the user has allowed, and from nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from mcp_client import ERAS, called, connected, refused, text_of

from qa_engine.errors import InputError
from qa_engine.mcp.library import ToolError
from qa_engine.mcp.local import LocalLibrary
from qa_engine.mcp.roots import Roots


@pytest.mark.parametrize("era", ERAS)
async def test_a_file_is_added_asked_and_deleted(writing: LocalLibrary, root: Path, era: str) -> None:
    async with connected(writing, era) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert list(tools)[-2:] == ["add_document", "delete_document"]
        for name, destructive in (("add_document", False), ("delete_document", True)):
            hints = tools[name].annotations
            assert hints is not None
            assert (hints.read_only_hint, hints.destructive_hint) == (False, destructive)
        added = text_of(await called(client, "add_document", path="sub/planets.pdf"))
        assert "已添加：planets.pdf" in added
        again = text_of(await called(client, "add_document", path=str(root / "sub" / "planets.pdf")))
        assert "已是最新" in again
        answer = text_of(await called(client, "ask", question="What is the largest planet?"))
        assert "planets.pdf · 第 1 页" in answer
        identifier = text_of(await called(client, "list_documents")).split("id: ")[1]
        deleted = text_of(await called(client, "delete_document", id=identifier))
        assert "planets.pdf" in deleted
        assert (root / "sub" / "planets.pdf").exists()
        assert "list_documents" in await refused(client, "delete_document", id=identifier)


async def test_without_a_root_nothing_is_added(tmp_path: Path) -> None:
    from qa_engine.config import Config

    library = LocalLibrary(Config(storage=tmp_path / "storage"), may_change=True)
    async with connected(library) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
    await library.close()
    assert "add_document" not in names
    assert names[-1] == "delete_document"


HOSTILE_PATHS = [
    "../outside/secret.pdf",
    "sub/../../outside/secret.pdf",
    "sub/../sub/planets.pdf",
    "..",
    ".",
    "/",
    "//",
    "",
    " ",
    "{outside}",
    "{root}",
    "{root}/../outside/secret.pdf",
    "{root}-not/secret.pdf",
    "{root}/link.pdf",
    "link.pdf",
    "linked/secret.pdf",
    "./linked/secret.pdf",
    "{root}/linked/secret.pdf",
    "{root}/./link.pdf",
    "/etc/passwd",
    "/etc/shadow",
    "/proc/self/environ",
    "/proc/self/cwd/secret.pdf",
    "/proc/self/root{outside}",
    "/dev/stdin",
    "/dev/fd/0",
    "/dev/zero",
    "~/secret.pdf",
    "~root/.ssh/id_rsa",
    "$HOME/secret.pdf",
    "file://{outside}",
    "file:{outside}",
    "FILE:///etc/passwd",
    "http://127.0.0.1:1/secret.pdf",
    "https://example.com/a.pdf",
    "\\\\server\\share\\secret.pdf",
    "..\\outside\\secret.pdf",
    "C:\\secret.pdf",
    "sub\\..\\..\\outside\\secret.pdf",
    "%2e%2e/outside/secret.pdf",
    "..%2foutside%2fsecret.pdf",
    "sub/planets.pdf\0.txt",
    "\0{outside}",
    "sub/planets.pdf\n",
    "sub/\x1b[2Jplanets.pdf",
    "sub/planets.pdf/",
    "sub/planets.pdf/..",
    "sub/planets.pdf/x",
    "sub",
    "folder.pdf",
    "note.bak",
    "text.pdf",
    "pipe.pdf",
    ".hidden/a.pdf",
    "sub/*.pdf",
    "sub/planets.pd?",
    "sub/planets.pdf; cat {outside}",
    "$(cat {outside})",
    "`cat {outside}`",
    "upload:/secret.pdf",
    "document:/secret.pdf",
    "a" * 300,
    "a/" * 1500 + "a.pdf",
    "x" * 100_000,
    "．．/outside/secret.pdf",
    "\u202efdp.terces",
    "sub/PLANETS.PDF ",
]
"""Each with ``{outside}``, the path of the secret, and ``{root}``, that of the folder."""


def hostile_path(template: str, root: Path) -> str:
    """A hostile path for a folder of a test."""
    secret = str(root.parent / "outside" / "secret.pdf")
    return template.replace("{outside}", secret).replace("{root}", str(root))


@pytest.mark.parametrize("template", HOSTILE_PATHS, ids=lambda one: ascii(one)[:40])
def test_a_hostile_path_is_refused_and_nothing_is_told_of_it(root: Path, template: str) -> None:
    os.mkfifo(root / "pipe.pdf")
    path = hostile_path(template, root)
    if template == "sub/planets.pdf/":  # is the file itself, once it is a path
        assert Roots.of([root], 1_000_000).file(path) == (root / "sub" / "planets.pdf").resolve()
        return
    with pytest.raises(ToolError) as refusal:
        Roots.of([root], 1_000_000).file(path)
    assert len(str(refusal.value)) < 700


def test_what_is_outside_is_told_like_what_is_not_there(root: Path) -> None:
    roots = Roots.of([root], 1_000_000)
    told = []
    for name in ("secret.pdf", "none.pdf"):
        path = str(root.parent / "outside" / name)
        with pytest.raises(ToolError) as refusal:
            roots.file(path)
        told.append(str(refusal.value).replace(path, ""))
    assert told[0] == told[1]


def test_a_root_may_be_named_by_a_link_and_a_file_by_either_path(root: Path, tmp_path: Path) -> None:
    (tmp_path / "by-link").symlink_to(root)
    roots = Roots.of([tmp_path / "by-link"], 1_000_000)
    file = (root / "sub" / "planets.pdf").resolve()
    for path in ("sub/planets.pdf", str(tmp_path / "by-link" / "sub" / "planets.pdf"), str(file)):
        assert roots.file(path) == file


def test_a_file_that_is_too_large_is_refused(root: Path) -> None:
    with pytest.raises(ToolError, match="max_file_megabytes"):
        Roots.of([root], 100).file("sub/planets.pdf")


def test_a_root_must_be_a_folder(root: Path) -> None:
    for name in ("none", "note.bak"):
        with pytest.raises(InputError, match="--root"):
            Roots.of([root / name], 100)
