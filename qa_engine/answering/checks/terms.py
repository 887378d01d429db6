"""Finds names and terms in a text: words of Latin letters, and Chinese names between marks such as 《》."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import Stemmer

from qa_engine.text.tokenizer import HAN_CLASS, fold

_WORD = re.compile(r"[a-z0-9]+")
_LATIN = "A-Za-zÀ-ÖØ-öø-ɏ"
_TERM = rf"[{_LATIN}][{_LATIN}0-9]*(?:[-_/.&'’][{_LATIN}0-9]+)*[+#]{{0,2}}"
_RUN = re.compile(rf"(?<![{_LATIN}0-9\\]){_TERM}(?: {_TERM})*")
_ONE_TERM = re.compile(_TERM)
_QUOTED = re.compile(
    r"《([^《》\n]{1,40})》|〈([^〈〉\n]{1,40})〉"
    r"|“([^“”\n]{2,20})”|「([^「」\n]{2,20})」|『([^『』\n]{2,20})』"
)
_CLAUSE = re.compile(r"[，。；：！？,;!?]")
_HAN = re.compile(f"[{HAN_CLASS}]")
_NOT_LETTERS = re.compile(r"[\W_]+")
_NO_NAMES = frozenset(
    """a an the of and or in on at to for from by with as is are was were be it its this that not no vs etc eg ie am pm ok
    km m cm mm nm kg g mg t l ml s ms h hz khz mhz ghz kw mw gw kwh v kv w wh ma mah a c f k kb mb gb tb pb bps
    kbps mbps gbps rpm ppm db pa kpa mpa usd eur cny rmb hkd jpy gbp dpi px ha mol x""".split()  # noqa: SIM905
)
"""Small words and units, which are no names."""
RAISED = re.compile("[²³¹⁰⁴-⁹₀-₉¼-¾⅐-⅞]")
"""Digits that are exponents, indices, footnotes or fractions."""
_LEVEL = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_POWER = re.compile("(?P<after>[0-9])?(?P<power>[⁺⁻]?[⁰¹²³⁴-⁹]+[⁺⁻]?|[⁺⁻])")
_ENCIRCLED = re.compile("[①-⒛⓪-⓿❶-➓]")


def comparable(text: str) -> str:
    """A text in lower case and folded (`qa_engine.text.tokenizer.fold`), without raised digits, encircled ones set apart."""
    return fold(_ENCIRCLED.sub(r" \g<0> ", RAISED.sub(" ", text))).lower()


def with_powers(text: str) -> str:
    """A text with its powers as models write them: 10 -5 for 10⁻⁵, which is never 105; m3 for m³, Ca2+ for Ca²⁺."""
    return _POWER.sub(
        lambda match: f"{match['after']} {match['power']}" if match["after"] else match["power"], text
    ).translate(_LEVEL)


@dataclass(frozen=True)
class Mention:
    """A name, term, number or date of a text: the character that it begins at, and its words."""

    start: int
    text: str


class Vocabulary:
    """The words of the texts that an answer may take its names from."""

    def __init__(self, text: str) -> None:
        """
        Args:
            text: the texts, made `comparable`.
        """
        words = _WORD.findall(text)
        self._words = {form for word in words for form in (word, _singular(word))}
        for count in (2, 3, 4):
            self._words.update("".join(words[i : i + count]) for i in range(len(words) - count + 1))
        self._initials = "".join(word[0] for word in words)
        self._stemmer = Stemmer.Stemmer("english")
        self._stems = set(self._stemmer.stemWords(words))
        self._letters = _NOT_LETTERS.sub("", text)

    def holds_term(self, term: str) -> bool:
        """Whether a Latin word or code occurs: in any case, with or without accents, hyphens and a plural ending."""
        parts = _WORD.findall(fold(term).lower())
        whole = "".join(parts)
        if whole in _NO_NAMES or len(whole) < 2 or self._holds_word(whole):
            return True
        if all(part in _NO_NAMES or self._holds_word(part) for part in parts):
            return True
        if term.isupper() and len(whole) > 2 and whole in self._initials:
            return True
        # Words in lower case are no names, and are inflected in more ways.
        return term.islower() and all(self._holds_stem(part) for part in parts)

    def holds_chinese(self, name: str) -> bool:
        """Whether a name in Chinese characters occurs, traditional or simplified, whatever signs are in it."""
        return _NOT_LETTERS.sub("", comparable(name)) in self._letters

    def _holds_word(self, word: str) -> bool:
        return word in self._words or _singular(word) in self._words

    def _holds_stem(self, word: str) -> bool:
        return self._holds_word(word) or self._stemmer.stemWord(word) in self._stems


def unknown_terms(text: str, vocabulary: Vocabulary) -> Iterator[Mention]:
    """The Latin names, terms and codes of a text that a vocabulary does not hold; neighbouring words are one mention."""
    for run in _RUN.finditer(text):
        begin: int | None = None
        for term in _ONE_TERM.finditer(run[0]):
            is_known = vocabulary.holds_term(term[0])
            if not is_known and begin is None:
                begin = term.start()
            if is_known and begin is not None:
                yield Mention(run.start() + begin, run[0][begin : term.start()].strip())
                begin = None
        if begin is not None:
            yield Mention(run.start() + begin, run[0][begin:])


def unknown_quoted(text: str, vocabulary: Vocabulary) -> Iterator[Mention]:
    """The Chinese names between 《》, “”, 「」 and similar marks that a vocabulary does not hold.

    A whole clause in quotation marks is no name.
    """
    for quoted in _QUOTED.finditer(text):
        name = next(group for group in quoted.groups() if group)
        is_title = quoted[0][0] in "《〈"
        if not _HAN.search(name) or (not is_title and _CLAUSE.search(name)):
            continue
        if not vocabulary.holds_chinese(name):
            yield Mention(quoted.start(), name.strip())


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
