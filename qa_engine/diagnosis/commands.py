"""The commands that mend what a diagnosis finds, as they can be pasted into a shell."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from qa_engine.diagnosis.sqlite_faults import SqliteFault
from qa_engine.documents.files import text_path
from qa_engine.index.records import FileRecord
from qa_engine.ingestion.files.attachments import outermost_mail
from qa_engine.ingestion.files.state import is_gone
from qa_engine.ingestion.files.uploads import is_upload

_MOST_PATHS = 20
"""The largest number of files that a command names; for more files it names their folders."""


@dataclass(frozen=True)
class Commands:
    """The commands for one collection.

    Attributes:
        storage: folder of the index.
        name: the name of the collection.
        root: folder of the collection.
        shared: whether the collection is in a search engine.
    """

    storage: Path
    name: str
    root: Path
    shared: bool = False

    def ingest(self, records: Iterable[FileRecord] = ()) -> str:
        """Ingests the files that still exist; ``PATH`` stands for unknown files, and those that were uploaded."""
        paths = _paths([record for record in records if self._can_ingest(record)], outermost=True)
        return f"qa-engine ingest {shlex.join(paths) or 'PATH'}{self._place}"

    def delete(self, records: Iterable[FileRecord]) -> str:
        """Takes files out of the collection."""
        return f"qa-engine delete {shlex.join(_paths(list(records)))}{self._place}"

    def read_again(self, records: Sequence[FileRecord]) -> str:
        """Reads and stores files anew although they have not changed."""
        present = [record for record in records if self._can_ingest(record)]
        return f"{self.delete(records)} && {self.ingest(present)}" if present else self.delete(records)

    def start_over(self, records: Iterable[FileRecord] = ()) -> str:
        """Makes the whole collection anew."""
        remove = f"qa-engine delete --whole-collection{self._place}"
        if not self.shared:
            remove = f"rm -r {shlex.quote(str(self.root))}"
        return f"{remove} && {self.ingest(records)}"

    def rebuild(self, part: str = "") -> str:
        """Makes a part anew from the stored sentences: BM25, or what an option names."""
        return f"qa-engine rebuild{' ' + part if part else ''}{self._place}"

    def calibrate(self) -> str:
        """Fits to the collection when to refuse; ``QUESTIONS.jsonl`` stands for labelled questions."""
        return f"qa-engine calibrate QUESTIONS.jsonl{self._place}"

    def bring_back(self, records: Sequence[FileRecord]) -> str:
        """Makes the vectors of files anew from the files, or all vectors from the stored sentences if files are gone."""
        present = all(self._can_ingest(record) for record in records)
        return self.read_again(records) if present else self.rebuild("--embedding")

    def embed_again(self, chroma: Path) -> str:
        """Makes all vectors anew from the stored sentences, in place of a folder that cannot be used."""
        again = self.rebuild("--embedding")
        return f"rm -r {shlex.quote(str(chroma))} && {again}" if chroma.exists() else again

    def permit(self) -> str:
        """Gives the owner the right to read and write again."""
        return f"chmod -R u+rwX {shlex.quote(str(self.root))}"

    def doctor(self) -> str:
        """Checks again, for a fault that may be over soon."""
        return f"qa-engine doctor{self._place}"

    def for_fault(self, fault: SqliteFault) -> str:
        """What helps with a file that is sound and out of reach."""
        if fault.kind == "refused":
            return self.permit()
        return f"df -h {shlex.quote(str(self.root))}" if fault.kind == "disk" else self.doctor()

    def _can_ingest(self, record: FileRecord) -> bool:
        """Whether a file can be named to be ingested: it, or the mail it came in, is there, and was not uploaded."""
        return not is_upload(outermost_mail(record.path)) and not is_gone(record, self.storage)

    @property
    def _place(self) -> str:
        return f" --collection {shlex.quote(self.name)} --storage {shlex.quote(str(self.storage))}"


def _paths(records: Sequence[FileRecord], outermost: bool = False) -> list[str]:
    """The paths of files, or ``outermost`` those of the mails that they came in; for many files those of their folders."""
    paths = [str(text_path(str(outermost_mail(one.path)) if outermost else one.path)) for one in records]
    paths = list(dict.fromkeys(paths))
    if len(paths) <= _MOST_PATHS:
        return paths
    folders = {Path(path).parent for path in paths}
    return sorted(str(folder) for folder in folders if not folders & set(folder.parents))
