"""Has LibreOffice convert files of older formats: without macros, without the network, within limits."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from qa_engine.documents.formats import OLE_HEAD
from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.renditions.archives import OLE_PARTS, has_ole_part
from qa_engine.errors import DocumentError
from qa_engine.text.one_line import one_line

_FILTERS = {
    ".docx": "docx:MS Word 2007 XML",
    ".xlsx": "xlsx:Calc MS Excel 2007 XML",
    ".pptx": "pptx:Impress MS PowerPoint 2007 XML",
}
_ITEM = '<item oor:path="{}"><prop oor:name="{}" oor:op="fuse"><value>{}</value></prop></item>'
_SETTINGS = (
    ("/org.openoffice.Office.Common/Security/Scripting", "DisableMacrosExecution", "true"),
    ("/org.openoffice.Office.Common/Security/Scripting", "MacroSecurityLevel", "3"),
    ("/org.openoffice.Office.Common/Security/Scripting", "DisableActiveContent", "true"),
    ("/org.openoffice.Office.Common/Security/Scripting", "BlockUntrustedRefererLinks", "true"),
    ("/org.openoffice.Office.Writer/Content/Update", "Link", "0"),
    ("/org.openoffice.Office.Calc/Content/Update", "Link", "1"),
    ("/org.openoffice.Inet/Settings", "ooInetProxyType", "1"),
    ("/org.openoffice.Inet/Settings", "ooInetHTTPProxyName", "127.0.0.1"),
    ("/org.openoffice.Inet/Settings", "ooInetHTTPProxyPort", "9"),
    ("/org.openoffice.Inet/Settings", "ooInetHTTPSProxyName", "127.0.0.1"),
    ("/org.openoffice.Inet/Settings", "ooInetHTTPSProxyPort", "9"),
)
"""No macros, no links that are updated, and a proxy that is not there. (For Calc, 0 is always and 1 is never.)"""
_WPS = {".wps": ".doc", ".et": ".xls", ".dps": ".ppt"}
"""Endings of WPS Office, and those of the same formats of Microsoft."""
_OLDER = (b"\x09", b"\xdb\xa5", b"\x31\xbe")
"""What workbooks and texts before 1995 begin with."""
_HEAD = 4096
_NAMES = ("soffice", "libreoffice")
_SHARE = 0.9
"""Of the time for a file, for LibreOffice: what has read the file is ended after all of it."""
_MORE_MEMORY = 2_000_000_000
"""Bytes of address space that LibreOffice takes by itself."""


@contextmanager
def converted(path: Path, suffix: str, options: ReadingOptions) -> Iterator[Path]:
    """A file as LibreOffice converts it, in a folder that is removed afterwards.

    LibreOffice gets a copy of the file, a profile of its own, and no network where the operating system can take it away
    (``unshare``); elsewhere it gets a proxy that is not there. It runs no macro and updates no link.

    Args:
        path: of the file.
        suffix: of the format to convert it to, one of ``.docx``, ``.xlsx`` and ``.pptx``.
        options: limits of time and memory, and where LibreOffice is.

    Raises:
        DocumentError: LibreOffice is not there (``unsupported``), cannot read the file (``damaged``), or takes too long
            (``timeout``).
    """
    program = _program(options.libreoffice)
    if program is None:
        raise DocumentError(
            "unsupported",
            f"{path.name} needs LibreOffice, which is not found on this machine: install it (apt-get install libreoffice), "
            "or name it in documents.libreoffice.",
        )
    with tempfile.TemporaryDirectory(prefix="qa-engine-") as name:
        folder = Path(name)
        try:
            source = folder / f"document{_suffix_by_content(path)}"
            shutil.copyfile(path, source)
        except OSError as error:
            message = f"{path.name} cannot be read: {error.strerror or error}."
            raise DocumentError("unreadable", message) from error
        profile = folder / "profile" / "user"
        profile.mkdir(parents=True)
        (profile / "registrymodifications.xcu").write_text(_registry(), "utf-8")
        told = _run(_command(program, folder, source, suffix, options), path, folder, options)
        target = folder / "out" / f"document{suffix}"
        if not target.exists():
            clause = f" ({told})" if told else ""
            message = f"{path.name} cannot be read by LibreOffice: it is damaged, or protected by a password{clause}."
            raise DocumentError("damaged", message)
        yield target


def _suffix_by_content(path: Path) -> str:
    """The ending of a file; for one of WPS Office, that of the format of Microsoft that its content is in.

    Raises:
        DocumentError: it has none of the parts that files with its ending have: LibreOffice would read it as text.
    """
    suffix = path.suffix.lower()
    data = path.read_bytes()
    microsoft = _WPS.get(suffix, suffix)
    if data.startswith(b"PK"):
        return f"{microsoft}x" if suffix in _WPS else suffix
    if data.startswith(OLE_HEAD):
        if has_ole_part(data, microsoft):
            return microsoft
        if suffix in OLE_PARTS:
            raise DocumentError(
                "damaged", f"{path.name} is damaged: it has no part named {OLE_PARTS[suffix][0]}."
            )
    elif b"\0" in data[:_HEAD] and not data.startswith(_OLDER):
        raise DocumentError(
            "damaged", f"{path.name} is no document that can be read: it is neither text nor an archive."
        )
    return suffix


def libreoffice_available(name: str = "") -> bool:
    """Whether LibreOffice is on this machine.

    Args:
        name: the program or its path; empty to look for it.
    """
    return _program(name) is not None


def _program(name: str) -> str | None:
    return next(filter(None, map(shutil.which, [name] if name else _NAMES)), None)


@cache
def _isolation() -> tuple[str, ...]:
    """The command before which a program has no network; empty where there is none that works."""
    command = ("unshare", "--user", "--map-root-user", "--net")
    if shutil.which(command[0]) is None:
        return ()
    tried = subprocess.run([*command, "true"], capture_output=True, check=False)
    return command if tried.returncode == 0 else ()


def _command(program: str, folder: Path, source: Path, suffix: str, options: ReadingOptions) -> list[str]:
    kilobytes = (options.memory_megabytes * 1_000_000 + _MORE_MEMORY) // 1000
    # Not by a function between fork and exec, which is not safe beside threads.
    limited = ["sh", "-c", 'ulimit -S -v "$1" 2>/dev/null; shift; exec "$@"', "sh", str(kilobytes)]
    return [
        *limited,
        *_isolation(),
        program,
        f"-env:UserInstallation={(folder / 'profile').as_uri()}",
        "--headless",
        "--norestore",
        "--nolockcheck",
        "--nodefault",
        "--nofirststartwizard",
        "--convert-to",
        _FILTERS[suffix],
        "--outdir",
        str(folder / "out"),
        str(source),
    ]


def _run(command: list[str], path: Path, folder: Path, options: ReadingOptions) -> str:
    """What LibreOffice says on its standard error stream. Its processes have ended afterwards."""
    environment = {key: value for key, value in os.environ.items() if key in {"PATH", "LANG", "LC_ALL"}}
    environment |= {"HOME": str(folder), "TMPDIR": str(folder), "SAL_USE_VCLPLUGIN": "svp"}
    environment |= dict.fromkeys(("http_proxy", "https_proxy", "ftp_proxy"), "http://127.0.0.1:9")
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment,
        cwd=folder,
        start_new_session=True,
    )
    try:
        _, told = process.communicate(timeout=options.timeout_seconds * _SHARE)
    except subprocess.TimeoutExpired as error:
        message = f"{path.name} took LibreOffice more than {options.timeout_seconds * _SHARE:g} s."
        raise DocumentError("timeout", message) from error
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return one_line(told.decode("utf-8", "replace"), 200)


def _registry() -> str:
    items = "".join(_ITEM.format(*setting) for setting in _SETTINGS)
    names = 'xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema"'
    return f'<?xml version="1.0" encoding="UTF-8"?><oor:items {names}>{items}</oor:items>'
