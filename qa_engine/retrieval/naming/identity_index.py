"""The identities of all documents that are searched, in memory, and which of them a question names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

from llama_index.core.schema import QueryBundle

from qa_engine.documents.identity.kinds import named_kind
from qa_engine.documents.identity.organisations import short_name, squeezed
from qa_engine.documents.identity.record import REPORTS, DocumentIdentity
from qa_engine.index.catalog import Catalog
from qa_engine.retrieval.expansion.expanded_query import ExpandedQuery
from qa_engine.retrieval.naming.names import FoundName, NameDictionary, chinese_variants, initials, without
from qa_engine.text.identifiers import codes_of
from qa_engine.text.periods import Period, part_of_year, years_of

_TELLING_KINDS = REPORTS | {"broker_report", "data_sheet", "handbook"}
"""Kinds whose words in a question mean documents; a contract or a law may be what any document is about."""
_TITLED = frozenset({"handbook", "manual", "data_sheet", "contract", "book"})
"""Kinds that people call by their titles, however short."""
_DIGITS = 6
_HAN = re.compile(r"[\u4e00-\u9fff]")
_MAX_TITLE, _LONG_TITLE = 30, 6
_WHOLE_YEAR_FOR_PART, _PART_FOR_WHOLE_YEAR, _OTHER_PART = 0.6, 0.7, 0.3
_LATER = {1: 0.5, 2: 0.4}
"""How well a report fits a year that is one or two years before its own: as a column to compare with."""


@dataclass(frozen=True)
class NamedDocuments:
    """The documents that a question names.

    Attributes:
        preferred: they fit what the question says of its documents best.
        set_aside: others of the same organisation, of periods that the question does not ask for.
        newest: of those, each that is newer than its like, where the question names no year.
        focus: the question without the words that only name documents.
        years: the years that it names.
    """

    preferred: frozenset[str] = frozenset()
    set_aside: frozenset[str] = frozenset()
    newest: frozenset[str] = frozenset()
    focus: str = ""
    years: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.preferred or self.set_aside)

    def question(self, query: QueryBundle) -> QueryBundle:
        """The question as the documents it names are asked it: without the words that only name them."""
        if not self or self.focus in {"", query.query_str}:
            return query
        if isinstance(query, ExpandedQuery):
            translated = tuple(word for word in query.translated if word.word in self.focus)
            return ExpandedQuery(
                self.focus, expansion=query.expansion, glossary=query.glossary, translated=translated
            )
        return QueryBundle(self.focus)


@dataclass(frozen=True)
class IdentityIndex:
    """The identities of documents, by id.

    Attributes:
        identities: with what users noted about the files.
        names: of all of them.
        families: by document, the others that differ from it in the period alone.
    """

    identities: Mapping[str, DocumentIdentity]
    names: NameDictionary = field(init=False)
    families: Mapping[str, frozenset[str]] = field(init=False)
    _owners: Mapping[str, str] = field(init=False)
    _groups: Sequence[frozenset[str]] = field(init=False)

    def __post_init__(self) -> None:
        owners = {one: owner for one, identity in self.identities.items() if (owner := _owner(identity))}
        groups = defaultdict[tuple[str, str, str], set[str]](set)
        for one, owner in owners.items():
            groups[owner, self.identities[one].kind, self.identities[one].product].add(one)
        families = [frozenset(group) for group in groups.values() if len(group) > 1]
        object.__setattr__(self, "names", NameDictionary(_names(self.identities)))
        object.__setattr__(self, "families", {one: group - {one} for group in families for one in group})
        object.__setattr__(self, "_owners", owners)
        object.__setattr__(self, "_groups", families)

    def named(self, question: str, admitted: Set[str] | None = None) -> NamedDocuments:
        """The documents that a question names, among those that may be searched; None for all.

        A document that has fewer of the named things than another and none that it lacks is not preferred, such as the other
        report of a broker, where the question names the broker and a company.
        """
        found = self._found(question, admitted)
        everything = self.identities.keys() if admitted is None else admitted
        candidates = _undominated(found)
        years, part = tuple(years_of(question)), part_of_year(question)
        kind = named_kind(question)
        of_kind = {one for one in candidates or everything if self._is(one, kind)}
        preferred = set(candidates)
        if of_kind and (candidates or len(of_kind) < len(everything)):
            preferred = of_kind
        out = self._of_other_periods(preferred or everything, years, part, not preferred) if years else set()
        preferred -= out
        focus = without(question, found) if found else question
        if not found and len(preferred) + len(out) == len(everything):
            preferred = set()  # a kind that all of them are
        newest = frozenset() if years else self._newest(preferred)
        return NamedDocuments(frozenset(preferred), frozenset(out), newest, focus, years)

    def _newest(self, documents: Set[str]) -> frozenset[str]:
        """Those of several like reports that are the newest."""

        def age(one: str) -> tuple[int, str]:
            period = self.identities[one].period
            return period.year, period.part

        return frozenset(
            one
            for one in documents
            if (others := self.families.get(one, frozenset()) & documents)
            and age(one) >= max(map(age, others))
        )

    def _is(self, document: str, kind: str) -> bool:
        return (
            kind in _TELLING_KINDS and document in self.identities and self.identities[document].kind == kind
        )

    def _found(self, question: str, admitted: Set[str] | None) -> list[FoundName]:
        found = self.names.find(question)
        if admitted is None:
            return found
        within = (name._replace(documents=name.documents & admitted) for name in found)
        return [name for name in within if name.documents]

    def _of_other_periods(
        self, documents: Set[str], years: tuple[int, ...], part: str, same_kind: bool
    ) -> set[str]:
        """Those that fit none of the years as well as another report of the organisation does.

        With ``same_kind``, the other report is one of the same kind: the question does not name the organisation.
        """
        if same_kind:
            families = [family & documents for family in self._groups]
        else:
            by_owner = defaultdict[str, set[str]](set)
            for one in documents & self._owners.keys():
                by_owner[self._owners[one]].add(one)
            families = list(map(frozenset, by_owner.values()))
        others = set[str]()
        fits: dict[Period, list[float]] = {}
        for family in families:
            periods = {one: self.identities[one].period for one in family}
            for period in periods.values():
                if period not in fits:
                    fits[period] = [fit(period, year, part) for year in years]
            best = [
                max(column) for column in zip(*(fits[period] for period in periods.values()), strict=True)
            ]
            fitting = {
                one
                for one, period in periods.items()
                if any(own == most > 0 for own, most in zip(fits[period], best, strict=True))
            }
            if fitting:
                others |= family - fitting
        return others


def fit(period: Period, year: int, part: str) -> float:
    """How well a report of a period fits a year, or a part of it, that a question names, 0 to 1."""
    if year in {period.year, period.calendar_year}:
        named = 1.0 if year == period.year else 0.9
        if period.part == part:
            return named
        if not part:
            return named * _PART_FOR_WHOLE_YEAR
        return named * (_OTHER_PART if period.part else _WHOLE_YEAR_FOR_PART)
    later = _LATER.get(period.year - year, 0.0)
    return later if period.part == part else later / 2


def _undominated(found: Iterable[FoundName]) -> set[str]:
    named = defaultdict[str, set[int]](set)
    for number, name in enumerate(found):
        for document in name.documents:
            named[document].add(number)
    kinds = {frozenset(own) for own in named.values()}
    dominated = {own for own in kinds if any(own < other for other in kinds)}
    return {one for one, own in named.items() if own not in dominated}


def _names(identities: Mapping[str, DocumentIdentity]) -> Iterable[tuple[str, str]]:
    for document, identity in identities.items():
        firms = [identity.organisation, *identity.names]
        firms += [variant for name in firms for variant in chinese_variants(name)]
        names = [*firms, *map(initials, firms), *_title_names(identity), *_models(identity.product)]
        for name in filter(None, names):
            yield name, document


def _title_names(identity: DocumentIdentity) -> list[str]:
    """The title as a name, if a question would not have it by chance; that of a law also without its country."""
    title = identity.title
    if identity.kind == "law":
        return [title, title.removeprefix("中华人民共和国")]
    long = len(title.split()) >= 3 or len(_HAN.findall(title)) >= _LONG_TITLE
    return [title] if len(squeezed(title)) <= _MAX_TITLE and (identity.kind in _TITLED or long) else []


def _models(product: str) -> list[str]:
    """A product as people shorten it: of VX-320Ah-3.2V also VX-320Ah, 320Ah, and a word of it that is long enough."""
    parts = product.split("-")
    own = [
        part
        for part in parts
        if len(part) >= 4 and (part.isalpha() or (part.isalnum() and not part.isdigit()))
    ]
    return [product, "-".join(parts[:2]), *own] if len(parts) > 1 else [product]


def _owner(identity: DocumentIdentity) -> str:
    """Whose report of a period a document is; empty if it is none."""
    is_report = identity.organisation and identity.kind in REPORTS and identity.period.year
    return squeezed(short_name(identity.organisation)) if is_report else ""


def identity_index(catalogs: Iterable[Catalog]) -> IdentityIndex:
    """The index of some collections. What a user noted about the first file of a document corrects what was read."""
    identities: dict[str, DocumentIdentity] = {}
    for catalog in catalogs:
        read = catalog.identities()
        for record in catalog.files().values():
            if record.document_id not in identities:
                identity = read.get(record.document_id, DocumentIdentity())
                known = identity.corrected(record.metadata)
                names = (*known.names, *_numbers_of(record.file_name))
                identities[record.document_id] = replace(known, names=names)
    return IdentityIndex(identities)


def _numbers_of(file_name: str) -> list[str]:
    """The numbers of contracts and the like in a file name, such as SC-2022-014: codes of at least six digits."""
    codes = codes_of(re.sub("_+", " ", file_name.rpartition(".")[0]))
    return [code for key, code in codes.items() if sum(map(str.isdigit, key)) >= _DIGITS]
