"""Nothing leaves this machine, native code of dependencies included, and nothing about it is kept to be sent."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pdf_factory import chinese_pdf

ROOT = Path(__file__).parents[2]
_LOOPBACK = re.compile(r"127\.|::1$|::ffff:127\.|0\.0\.0\.0$")
_ADDRESS = re.compile(r"(?:inet_addr\(|inet_pton\(AF_INET6, )\"([^\"]+)\"")

_WATCH = """\
import os, sys
from importlib.machinery import PathFinder
class Watch:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name != "onnxruntime":
            return None
        spec = PathFinder.find_spec(name, path)
        load = spec.loader.exec_module
        def watched(module):
            with open(os.environ["IMPORTS"], "a") as file:
                file.write(f"{os.getpid()} {os.environ.get('ORT_DISABLE_TELEMETRY')}\\n")
            load(module)
        spec.loader.exec_module = watched
        return spec
sys.meta_path.insert(0, Watch)
"""
_PROGRAM = """\
import os, sys
environment = dict(os.environ)
from pathlib import Path
from qa_engine import QueryEngine, ingest
from qa_engine.documents.pdf.rendering import PageBox, render_boxes
if "pictures" in sys.argv:
    render_boxes(Path("docs/a.pdf"), [PageBox(1, 80, 80, 200, 100)], 72)
ingest("docs", config={"documents": {"parser": sys.argv[1]}})
assert dict(os.environ) == environment
with QueryEngine.open() as engine:
    print(engine.query("雷峰塔有多高？").response)
assert dict(os.environ) == environment
"""


def _beyond_this_machine(log: str) -> list[str]:
    """The calls in a log of strace that name an address other than those of this machine."""
    return [
        line
        for line in log.splitlines()
        if any(not _LOOPBACK.match(address) for address in _ADDRESS.findall(line))
    ]


def _tracer(log: Path) -> list[str]:
    """What to put before a command so that its connections are in ``log``; nothing where that is not possible."""
    calls = "connect,sendto,sendmsg,sendmmsg"
    command = [
        "strace",
        "-f",
        "--seccomp-bpf",
        "-qq",
        "-e",
        f"trace={calls}",
        "-e",
        "signal=none",
        "-o",
        str(log),
    ]
    if shutil.which("strace") is None or subprocess.run([*command, "true"], capture_output=True).returncode:
        return []
    return command


def test_what_counts_as_beyond_this_machine() -> None:
    inside = (
        '1 connect(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}, 16) = 0\n'
        '1 connect(3, {sa_family=AF_UNIX, sun_path="/var/run/nscd/socket"}, 110) = -1 ENOENT\n'
        '1 connect(3, {sa_family=AF_INET6, sin6_port=htons(8), inet_pton(AF_INET6, "::1", &sin6_addr)}, 28) = 0\n'
    )
    outside = (
        '1 connect(3, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("10.0.0.2")}, 16) = 0\n'
        '1 connect(3, {sa_family=AF_INET6, sin6_port=htons(8), inet_pton(AF_INET6, "2001:db8::1", &a)}, 28) = 0\n'
    )
    assert _beyond_this_machine(inside + outside) == outside.splitlines()


@pytest.mark.parametrize(
    "arguments",
    [["fast"], pytest.param(["layout", "pictures"], marks=pytest.mark.slow)],
    ids=lambda names: names[0],
)
def test_a_program_that_ingests_and_asks(arguments: list[str], tmp_path: Path, local_model: Path) -> None:
    """The environment of the program is as it was. ONNX Runtime comes with the encoder, or with PyMuPDF and its model."""
    for folder in ("docs", "home", "watch"):
        (tmp_path / folder).mkdir()
    chinese_pdf(tmp_path / "docs" / "a.pdf")
    (tmp_path / "watch" / "sitecustomize.py").write_text(_WATCH, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"} | {
        "PYTHONPATH": os.pathsep.join([str(tmp_path / "watch"), str(ROOT)]),
        "IMPORTS": str(tmp_path / "imports"),
        "HOME": str(tmp_path / "home"),
        "XDG_CACHE_HOME": str(tmp_path / "home"),
    }
    log = tmp_path / "calls"
    done = subprocess.run(
        [*_tracer(log), sys.executable, "-c", _PROGRAM, *arguments],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=100,
        check=False,
    )
    assert "71.679" in done.stdout, done.stderr
    imports = dict(line.split() for line in (tmp_path / "imports").read_text(encoding="utf-8").splitlines())
    assert len(imports) == 2  # the program, and the process that read the file
    assert set(imports.values()) == {"1"}
    assert list((tmp_path / "home").rglob("*")) == []
    if log.exists():
        assert _beyond_this_machine(log.read_text(encoding="utf-8", errors="replace")) == []
