"""``qa-engine keys``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from qa_engine.cli.options import ConfigOption, JsonOption, StorageOption, load_config
from qa_engine.cli.output import print_json, print_message, print_table, results
from qa_engine.errors import InputError
from qa_engine.server import require_packages
from qa_engine.text.control_characters import show_controls_on_line

if TYPE_CHECKING:
    from qa_engine.server.admission.keys import Key, KeyStore

keys_app = typer.Typer(help="Keys of the HTTP server: who may use it, and for what.", no_args_is_help=True)
_NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the key.", show_default=False)]


@keys_app.command()
def add(
    name: _NameArgument,
    scope: Annotated[
        str,
        typer.Option(
            "--scope", help="What it allows: read, write (read too) or admin (all).", metavar="SCOPE"
        ),
    ] = "read",
    collection: Annotated[
        list[str] | None,
        typer.Option(
            "--collection",
            "-c",
            metavar="NAME",
            help="Collection that it is limited to; may be given several times [default: all].",
        ),
    ] = None,
    storage: StorageOption = None,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Make a key and print it, once: it cannot be had again."""
    require_packages()
    from qa_engine.index.opening import require_existing
    from qa_engine.server.access import Scope

    if scope not in get_args(Scope):
        raise InputError(f"There is no scope {scope!r}: use read, write or admin.")
    settings = load_config(config)
    place = storage if storage is not None else settings.storage
    for one in collection or ():
        require_existing(place, one, settings.index)
    with _keys(place) as keys:
        secret = keys.add(name, scope, collection or ())  # type: ignore[arg-type]
    if json:
        print_json({"name": name, "scope": scope, "collections": collection or None, "key": secret})
    else:
        results().print_line(secret)
        print_message(f"This is the key {name!r}. Keep it: it is not shown again.")


@keys_app.command("list")
def list_keys(storage: StorageOption = None, json: JsonOption = False, config: ConfigOption = None) -> None:
    """List the keys, without their secrets."""
    require_packages()
    from qa_engine.server.state import database_path

    place = _storage(storage, config)
    found: list[Key] = []
    if database_path(place).exists():
        with _keys(place) as keys:
            found = keys.all()
    if json:
        print_json({"keys": [key.to_dict() for key in found]})
        return
    rows = (
        (
            key.name,
            key.scope,
            "all"
            if key.collections is None
            else ", ".join(map(show_controls_on_line, sorted(key.collections))),
            key.created,
            key.used or "never",
        )
        for key in found
    )
    print_table(("key", "scope", "collections", "created", "last use"), rows, ())


@keys_app.command()
def remove(
    name: _NameArgument, storage: StorageOption = None, json: JsonOption = False, config: ConfigOption = None
) -> None:
    """Remove a key: it lets nobody in from now on, and its sessions end."""
    require_packages()
    with _keys(_storage(storage, config)) as keys:
        keys.remove(name)
    if json:
        print_json({"removed": name})
    else:
        print_message(f"The key {name!r} is removed.")


def _storage(storage: Path | None, config: Path | None) -> Path:
    return storage if storage is not None else load_config(config).storage


@contextmanager
def _keys(storage: Path) -> Iterator[KeyStore]:
    """The keys of a storage, beside a server that may run on it."""
    from qa_engine.server.admission.keys import KeyStore
    from qa_engine.server.database import ServerDatabase
    from qa_engine.server.state import database_path

    database = ServerDatabase(database_path(storage))
    try:
        yield KeyStore(database)
    finally:
        database.close()
