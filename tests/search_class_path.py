"""Java, and the class path of OpenSearch and Elasticsearch servers for tests, from Maven Central.

A folder of ``search_servers`` describes one version: what it is made of (``pom.xml``), and how it is started
(its Java sources). Maven fetches the files once into its own folder; their list and the compiled classes stay in a cache
folder, under a name that changes with the sources.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import filelock
import platformdirs

SOURCES = Path(__file__).with_name("search_servers")
_FETCH_SECONDS = 240
"""Below the time of a slow test, so that the reason is told. What Maven has got by then stays."""


class UnavailableError(Exception):
    """This machine cannot run the server; the message says why."""


@dataclass(frozen=True)
class Version:
    """A server that tests can have.

    Args:
        name: its folder in ``search_servers``.
        java: first and last version of Java that it runs on.
        first_nodes: the setting that names the nodes of the first election.
        painless: whether it runs scripts.
        by_query: whether it has ``_reindex``, ``_delete_by_query`` and ``_update_by_query``.
        shared: a further folder with sources.
        options: options for Java that it needs.

    Maven Central has all modules of OpenSearch, but only some of Elasticsearch. What is missing there is a matter of these
    servers alone; whoever installs Elasticsearch has it.
    """

    name: str
    java: tuple[int, int]
    first_nodes: str
    painless: bool = True
    by_query: bool = True
    shared: str = ""
    options: tuple[str, ...] = ()


_OPENSEARCH = Version("opensearch-2", (17, 23), "cluster.initial_cluster_manager_nodes")
_ELASTICSEARCH = Version("elasticsearch-7", (17, 23), "cluster.initial_master_nodes", painless=False)
_NO_NATIVE_LIBRARIES = ("--enable-native-access=ALL-UNNAMED", "-Des.nativelibs.path=/none")
_NEWER = replace(_ELASTICSEARCH, by_query=False, shared="elasticsearch", options=_NO_NATIVE_LIBRARIES)

VERSIONS = {
    version.name: version
    for version in (
        _OPENSEARCH,
        replace(_OPENSEARCH, name="opensearch-3", java=(21, 99)),
        _ELASTICSEARCH,
        replace(_NEWER, name="elasticsearch-8", java=(17, 99)),
        replace(_NEWER, name="elasticsearch-9", java=(21, 99)),
    )
}


def class_path(name: str) -> tuple[Path, str]:
    """The Java home and the class path for a server, with our own classes in it.

    Raises:
        UnavailableError: there is no Java of a fitting version, or no Maven, or the files cannot be fetched. It is told
            again without another try, or each test of a run without a network would wait for it.
    """
    if name in _failed:
        raise UnavailableError(_failed[name])
    try:
        return _class_path(VERSIONS[name])
    except UnavailableError as error:
        _failed[name] = str(error)
        raise


_failed: dict[str, str] = {}


@cache
def _class_path(version: Version) -> tuple[Path, str]:
    name = version.name
    home = java_home(*version.java)
    folders = [SOURCES / name, *([SOURCES / version.shared] if version.shared else [])]
    sources = [
        SOURCES / "Launcher.java",
        *(file for folder in folders for file in sorted(folder.glob("*.java"))),
    ]
    pom = SOURCES / name / "pom.xml"
    key = hashlib.sha256(b"".join(file.read_bytes() for file in (pom, *sources))).hexdigest()[:16]
    folder = (
        Path(platformdirs.user_cache_dir("qa_engine-tests", appauthor=False))
        / "search_servers"
        / f"{name}-{key}"
    )
    folder.mkdir(parents=True, exist_ok=True)
    found, classes = folder / "class_path", folder / f"classes-{java_version(home)}"
    with filelock.FileLock(folder / "lock"):
        if not found.exists() or not all(Path(jar).exists() for jar in found.read_text().split(os.pathsep)):
            _fetch(pom, found)
        jars = found.read_text().strip()
        if not classes.exists():
            made = folder / "compiling"
            _run(
                [str(home / "bin" / "javac"), "-cp", jars, "-d", str(made), *map(str, sources)],
                "compile",
                home,
            )
            made.rename(classes)
    return home, os.pathsep.join([str(classes), jars])


def _fetch(pom: Path, found: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise UnavailableError("Maven (mvn) is not on the PATH (Debian and Ubuntu: apt install maven)")
    part = found.with_suffix(".part")
    goal = ["dependency:build-classpath", f"-Dmdep.outputFile={part}", "-Dmdep.regenerateFile=true"]
    _run([maven, "-q", "-B", "-f", str(pom), *goal], "fetch", None)
    part.replace(found)


def _run(command: list[str], verb: str, home: Path | None) -> None:
    environment = {**os.environ, **({"JAVA_HOME": str(home)} if home else {})}
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_FETCH_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"{command[0]} did not {verb} the server in {_FETCH_SECONDS} s") from None
    if done.returncode:
        raise UnavailableError(f"{command[0]} could not {verb} the server: {done.stdout.strip()[-1500:]}")


@cache
def java_home(first: int, last: int) -> Path:
    """The oldest Java from ``first`` to ``last`` that has a compiler.

    Raises:
        UnavailableError: there is none in ``JAVA_HOME``, on the PATH or where systems install it.
    """
    fitting = {
        java_version(home): home
        for home in _java_homes()
        if (home / "bin" / "javac").exists() and first <= java_version(home) <= last
    }
    if not fitting:
        raise UnavailableError(
            f"no Java from {first} to {last} with a compiler was found in JAVA_HOME, on the PATH or in /usr/lib/jvm "
            f"(Debian and Ubuntu: apt install openjdk-{first}-jdk-headless)"
        )
    return fitting[min(fitting)]


def _java_homes() -> Iterator[Path]:
    for root in (Path("/Library/Java/JavaVirtualMachines"), Path("/usr/lib/jvm")):
        for folder in sorted(root.glob("*")):
            yield folder / "Contents" / "Home"
            yield folder
    compiler = shutil.which("javac")
    if compiler:
        yield Path(compiler).resolve().parent.parent
    if os.environ.get("JAVA_HOME"):
        yield Path(os.environ["JAVA_HOME"])


@cache
def java_version(home: Path) -> int:
    """The main version of the Java in a folder, 0 if its ``release`` does not say."""
    release = home / "release"
    found = (
        re.search(r'^JAVA_VERSION="(\d+)', release.read_text(), re.MULTILINE) if release.exists() else None
    )
    return int(found[1]) if found else 0
