"""The identity of a document: a small record that the catalog keeps, and that the metadata of a user can correct."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from qa_engine.text.periods import NO_PERIOD, Period, period_of

TITLE, ORGANISATION, KIND, PERIOD, AUTHOR = "title", "organisation", "kind", "period", "author"
"""Keys of a user's metadata that replace what was read."""
KINDS = {
    "annual_report": "年度报告",
    "half_year_report": "半年度报告",
    "quarterly_report": "季度报告",
    "earnings_release": "业绩公告",
    "broker_report": "研究报告",
    "law": "法规",
    "contract": "合同",
    "manual": "说明书",
    "data_sheet": "规格书",
    "paper": "论文",
    "handbook": "手册",
    "book": "书",
}
"""The kinds of documents, and what people are told they are. A user's metadata may name others."""
REPORTS = frozenset({"annual_report", "half_year_report", "quarterly_report", "earnings_release"})
"""The kinds of which an organisation has one for each period."""


@dataclass(frozen=True)
class DocumentIdentity:
    """What a document is; what is not known is empty.

    Attributes:
        title: its title.
        organisation: the full name of the organisation that it is of, or that it is about.
        names: other names of the organisation, the short one first: a short name, a ticker, a broker who wrote about it.
        kind: one of `KINDS`, or what a user calls it.
        period: the time that it reports on.
        product: the product or model that it describes.
        author: the author in the metadata of the file.
        created: the date of its creation in the metadata of the file, such as ``2024-03-05``.
    """

    title: str = ""
    organisation: str = ""
    names: tuple[str, ...] = ()
    kind: str = ""
    period: Period = NO_PERIOD
    product: str = ""
    author: str = ""
    created: str = ""

    @property
    def label(self) -> str:
        """The organisation, the period and the kind in Chinese, as people tell near-identical files apart."""
        return label_of(self.to_dict()) or self.title

    def to_dict(self) -> dict[str, Any]:
        """What is known, for JSON: ``title``, ``organisation``, ``names``, ``kind``, ``period``, ``date``, ``product``,
        ``author``, ``created``.
        """
        facts = {
            TITLE: self.title,
            ORGANISATION: self.organisation,
            "names": list(self.names),
            KIND: self.kind,
            PERIOD: self.period.label,
            "date": self.period.end,
            "product": self.product,
            AUTHOR: self.author,
            "created": self.created,
        }
        return {key: value for key, value in facts.items() if value}

    def corrected(self, metadata: Mapping[str, Any]) -> DocumentIdentity:
        """The identity with what a user noted under the keys ``title``, ``organisation``, ``kind``, ``period`` and
        ``author``.

        Another organisation takes the other names with it, since they were those of the wrong one.
        """
        noted = {
            key: str(metadata[key]).strip()
            for key in (TITLE, ORGANISATION, KIND, PERIOD, AUTHOR)
            if key in metadata
        }
        changes: dict[str, Any] = {key: noted[key] for key in (TITLE, KIND, AUTHOR) if key in noted}
        if noted.get(ORGANISATION, self.organisation) not in {self.organisation, *self.names}:
            changes |= {ORGANISATION: noted[ORGANISATION], "names": ()}
        if PERIOD in noted:
            changes[PERIOD] = period_of(noted[PERIOD])
        return replace(self, **changes) if changes else self

    def packed(self) -> str:
        """The identity as JSON, without what is empty."""
        facts = {key: value for key, value in asdict(self).items() if value}
        facts[PERIOD] = {key: value for key, value in asdict(self.period).items() if value}
        return json.dumps(facts, ensure_ascii=False)

    @classmethod
    def unpacked(cls, packed: str) -> DocumentIdentity:
        """What `packed` packed; facts that only a later version knows are left out."""
        known = {field.name for field in fields(cls)}
        facts = {key: value for key, value in json.loads(packed).items() if key in known}
        period = {key: value for key, value in facts.pop(PERIOD, {}).items() if hasattr(Period, key)}
        return cls(**facts | {"names": tuple(facts.get("names", ()))}, period=Period(**period))


def label_of(facts: object) -> str:
    """Short name, period and kind of a document in Chinese, from `DocumentIdentity.to_dict`; empty if no name is known."""
    if not isinstance(facts, Mapping):
        return ""
    names = facts.get("names")
    name = str(names[0] if isinstance(names, list | tuple) and names else facts.get(ORGANISATION, ""))
    kind = str(facts.get(KIND, ""))
    more = f"{period_of(str(facts.get(PERIOD, ''))).chinese}{KINDS.get(kind, kind)}"
    return f"{name}{' ' * (name.isascii() and bool(more))}{more}" if name else ""
