"""Finds where the sentences of a paragraph end, for Chinese, English and mixtures: by sentencex, and rules where it errs.

The errors of sentencex 1.0.32 on 3.1 M characters of encyclopedia articles, papers and reports in both languages: it sees
no end before a digit (。2001年), and so misses a tenth of the Chinese ones; none in brackets or quotes, however long; one
after every quotation (“好！”他说。); it splits off list marks, knows few abbreviations (not Figs., Eq., spp.) and no 『』.
Its time grows with the square of the number of opening quotation marks that are not closed: 200,000 of them take 21 s.
"""

from __future__ import annotations

import re
from bisect import bisect_left

import sentencex

from qa_engine.text.language import HAN, HAN_RANGES, is_chinese

_LATIN = r"[A-Za-z\u00c0-\u024f]"
_LAST_WORD = re.compile(rf"(?<!{_LATIN})(?:{_LATIN}{{1,2}}\.)+{_LATIN}{{1,2}}$|{_LATIN}+$|\d+$")
_LONGEST = 16
"""Most characters of the word that `last_word` looks for."""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


NEVER_END = _set(
    "mr mrs ms dr prof fig figs eq eqs eqn eqns sec secs ref refs tab chap ch vol vols vs cf approx ca viz pp e.g i.e "
    "thm lem prop def cor suppl incl excl resp proc trans int conf gen col lt sgt capt gov rev hon dept univ "
    "natl sci phys lett comput commun"
)
"""Titles, references, measures: their full stop never ends a sentence, not even before The. In lower case."""
MAY_END = _set(
    "a.m p.m ph.d m.d b.a m.a b.sc m.sc u.s u.k e.u u.n inc ltd co corp bros etc al jr sr st spp sp subsp var ed eds "
    "est tel ext acad max avg ex pt seq mass w.r.t i.i.d d.c jan feb mar apr jun jul aug sep sept oct nov dec"
)
"""Their full stop ends a sentence only if one of ``STARTERS`` follows. In lower case."""
WORDS = _set("me may ill ok ore art miss no id con fed med res del")
"""Words that sentencex takes for abbreviations."""
STARTERS = _set(
    "A After Although All An And As At Because Both But By Despite Did Do Does During Each Even Every Finally First For "
    "From Furthermore Given Has Have He Hence Her Here His How However If In Instead Is It Its Later Many Moreover Most "
    "Nobody No None Not Nothing Now On One Once Only Or Other Others Our Second She Similarly Since So Some Such Table "
    "That The Their Then There Therefore These They This Those Though Three Through Thus To Today Two Under Unlike Until "
    "Using Was We Were What When Where Whether Which While Who Why With Within Without Yes Yet You Your"
)
"""Words that begin sentences, and hardly ever names."""

_DOTS = frozenset(".．")
_FULL_STOPS = frozenset("。！？｡")
_PARTNERS = dict(zip("”’」』》〉】〕]", "“‘「『《〈【〔[", strict=True))
_PARTNERS |= {"）": "（(", ")": "(（", '"': '"'}  # a half-width bracket may close a full-width one
_OPENERS = "“‘「『《〈【〔[（("
_BRACKETS = re.compile('[“”‘’「」『』《》〈〉【】〔〕\\[\\]（）()"]')
_QUOTES = frozenset("”’」』\"'")
_TITLES = frozenset("》〉")
_TYPO = 5
"""Two words of so many letters with nothing but a full stop between them are in two sentences."""
_NEST = 6
"""Among so many open brackets the partner of a closing one is searched: bounds the time on hostile text."""
_ASIDE_CHARS = {True: 100, False: 250}
"""Brackets and quotations of at most so many characters (in Chinese, in English) are not split."""

# Hides brackets, quotation marks and @ from sentencex, which skips the text between them, in quadratic time.
_MASK = str.maketrans(
    dict.fromkeys(_OPENERS + '”’」』》〉】〕]）"{}<>«»„‚‛‟‹›', " ") | {"'": "_", "`": "_", "@": "_", ")": "_"}
)

_STOP = re.compile(
    r"(?P<run>[。！？｡．.!?…‼⁇⁈⁉]+)"
    r"(?:[”’」』）)》】〕〉\"'\]]|\s[”」』）)》】])*"
    r"(?:\[\d[\d,，、–\- ]{0,20}\]|[①-⑳])*"
    r"(?P<note>(?<=[.!?”\"])\d{1,3}(?=\s+[\"“‘(\[]?[A-Z]))?"
)
_NOT_BLANK = re.compile(r"\S")
_GOES_ON = frozenset("，、；：,;:。！？.!?…‼)）]】》〉」』”’%—·～~／/")
_PARTICLES = frozenset("的地得之等和与與及或")
_SPEAKER = re.compile(
    r"[^。！？，：；,:“”「」\s]{0,10}?(?:[说說道问問喊叫答曰嚷吼骂罵]|表示)(?:[。！？，：；,:.!?着著了完]|\s|$)"
)
"""The speaker, behind a quotation."""
_SPEECH_MARKS = frozenset("：:，,说說道称稱喊叫问問")
"""The last character of the speaker, before a quotation."""
_BEFORE_SPEECH = _SPEECH_MARKS | frozenset("。！？；;…—.!?")
_WORD = re.compile(r"[^\W\d_]+")
_LETTER = re.compile(rf"[A-Za-z0-9{HAN_RANGES}\u00c0-\u024f]")

_MARK = r"\d{1,2}(?:[.．]\d{1,2}){0,3}|[ivxIVX]{1,5}|[A-Za-z]|[一二三四五六七八九十]{1,3}"
LIST_MARK = re.compile(rf"(?:{_MARK})$")
_HAN_NUMERAL = re.compile(r"(?:^|[\s。；，])[一二三四五六七八九十]{1,3}$")
_CAPTION_WORDS = frozenset("图圖表式例第条條节節章题題")


def sentence_ends(paragraph: str) -> list[int]:
    """The positions behind the sentences of a paragraph, ascending, without the end of the paragraph."""
    if not paragraph or paragraph.isspace():
        return []
    return _Paragraph(paragraph).ends()


class _Paragraph:
    """A paragraph whose sentences are looked for from its beginning to its end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._library = _library_ends(text)
        self._partner, self._asides = _asides(text, _ASIDE_CHARS[is_chinese(text)])
        self._starts = [start for start, _ in self._asides]
        self._has_full_stops = "。" in text
        self._begin = 0
        """Where the current sentence begins."""

    def ends(self) -> list[int]:
        text = self._text
        length = len(text.rstrip())
        self._begin = length - len(text[:length].lstrip())
        ends = [end for end in self._library if text[end - 1] not in ".．。！？｡!?…‼⁇⁈⁉"]  # of other scripts
        for stop in _STOP.finditer(text):
            end = self._without_openers(stop.end("run"), stop.end())
            following = _NOT_BLANK.search(text, end)
            if following is None:
                break
            if self._is_end(stop, end, following.start()):
                ends.append(end)
                self._begin = following.start()
        return sorted(ends)

    def _without_openers(self, run_end: int, end: int) -> int:
        """The end of the closing marks, before a straight quotation mark that opens the next sentence."""
        for position in range(run_end, end):
            if self._text[position] == '"' and position not in self._partner:
                return position
        return end

    def _is_end(self, stop: re.Match[str], end: int, after: int) -> bool:
        """Whether a sentence ends at ``end``, where the closing marks end; the next text begins at ``after``."""
        text = self._text
        begin, run_end = stop.span("run")
        run, following = stop["run"], text[after]
        if following in _GOES_ON or self._in_aside(end):
            return False
        if not _FULL_STOPS.isdisjoint(run):
            return self._ends_speech(run, run_end, end, after)
        letter = _LETTER.search(text, after, after + 3)
        nearby = (text[begin - 1] if begin else "") + (letter[0] if letter else following)
        if HAN.search(nearby) is None:
            return begin > 0 and self._ends_latin(stop, end, after, letter[0] if letter else following)
        if _DOTS.issuperset(run):
            if len(run) > 1 or begin == 0 or not self._dot_ends(begin, run_end, after):
                return False
            return self._ends_speech("。", run_end, end, after)
        if "!" in run or "?" in run:
            if after == end and following.isascii() and following.islower():
                return False
            return self._ends_speech(run, run_end, end, after)
        return end > run_end and text[end - 1] in _QUOTES and self._ends_speech(run, run_end, end, after)

    def _in_aside(self, position: int) -> bool:
        index = bisect_left(self._starts, position) - 1
        return index >= 0 and position <= self._asides[index][1]

    def _ends_speech(self, run: str, run_end: int, end: int, after: int) -> bool:
        """Whether a full stop ends the sentence also if brackets or quotations close behind it."""
        if end == run_end:
            return True
        text = self._text
        last = next((at for at in range(end - 1, run_end - 1, -1) if at in self._partner), None)
        if last is None:
            return True
        opener = self._partner[last]
        before = text[max(self._begin, opener - 2) : opener].rstrip()[-1:]
        own = opener <= self._begin or before in _BEFORE_SPEECH
        if text[last] in _TITLES or text[after] in _PARTICLES or not (own or "。" in run or "｡" in run):
            return False
        introduced = opener > self._begin and before in _SPEECH_MARKS
        return introduced or text[last] not in _QUOTES or _SPEAKER.match(text, after) is None

    def _dot_ends(self, begin: int, run_end: int, after: int) -> bool:
        """Whether a single half-width full stop beside a Han character ends a sentence."""
        text = self._text
        before, following = text[begin - 1], text[after]
        tight = after == run_end
        if self._is_list_mark(begin):
            return False
        if HAN.match(before):
            if _HAN_NUMERAL.search(text, max(self._begin, begin - 4), begin):
                return False
            if tight and HAN.match(following):
                # Where sentences end with 。, this is the middle dot of a name: 乔治.华盛顿
                return not self._has_full_stops
            return not (tight and (following.islower() or (following.isdigit() and before in _CAPTION_WORDS)))
        word = last_word(text, begin)
        if len(word) == 1 and word.isupper() and tight:
            return False
        return word.lower() not in NEVER_END and word.lower() not in MAY_END

    def _ends_latin(self, stop: re.Match[str], end: int, after: int, letter: str) -> bool:
        """Whether a stop between Latin words ends a sentence; ``letter`` is the first one behind it."""
        text = self._text
        begin, run_end = stop.span("run")
        closed = end > run_end
        first = _WORD.match(text, after)
        starter = first is not None and first[0] in STARTERS
        if after == end and not (closed or starter or text[after] in _OPENERS or self._is_typo(begin, first)):
            return False
        lower = letter.islower()
        if stop["run"] != ".":
            return run_end in self._library and not (lower and (closed or "." in stop["run"]))
        if self._is_list_mark(begin):
            return False
        word = last_word(text, begin)
        short = word.lower()
        if short in NEVER_END and not closed:
            return False
        if short in MAY_END and not closed:
            return starter
        if len(word) == 1 and word.isupper() and text[begin - 2 : begin - 1] == "-":  # M.-W. Chang
            return False
        if stop["note"]:
            return len(word) > 1 and word.islower()
        if lower:
            return not closed and run_end in self._library and (len(word) > 3 or not word.isalpha())
        if word in WORDS and text[after].isupper():
            return True
        return run_end in self._library

    def _is_typo(self, begin: int, following: re.Match[str] | None) -> bool:
        """Whether a blank is missing between two sentences; a file name is shorter."""
        word = last_word(self._text, begin)
        long = following is not None and len(following[0]) >= _TYPO and following[0].istitle()
        return long and len(word) >= _TYPO and word.islower()

    def _is_list_mark(self, begin: int) -> bool:
        return begin - self._begin <= 12 and LIST_MARK.match(self._text, self._begin, begin) is not None


def _library_ends(text: str) -> frozenset[int]:
    """The ends by sentencex."""
    # With "zh" it gives the same on all of the texts above.
    boundaries = sentencex.get_sentence_boundaries("en", text.translate(_MASK))
    return frozenset(item["start_index"] + len(item["text"].rstrip()) for item in boundaries[:-1]) - {0}


def _asides(text: str, limit: int) -> tuple[dict[int, int], list[tuple[int, int]]]:
    """The opening mark of each closing bracket or quotation mark; and the outermost pairs up to ``limit`` characters."""
    partner: dict[int, int] = {}
    open_marks: list[tuple[str, int]] = []
    for match in _BRACKETS.finditer(text):
        mark, at = match[0], match.start()
        partners = _PARTNERS.get(mark)
        if partners is not None and not (mark == '"' and _opens(text, at)):
            for depth in range(len(open_marks) - 1, max(-1, len(open_marks) - 1 - _NEST), -1):
                if open_marks[depth][0] in partners:
                    partner[at] = open_marks[depth][1]
                    del open_marks[depth:]
                    break
            else:
                if mark == '"':
                    open_marks.append((mark, at))
        elif partners is None or mark == '"':
            open_marks.append((mark, at))
    short = sorted((begin, end) for end, begin in partner.items() if end - begin <= limit)
    outermost: list[tuple[int, int]] = []
    for begin, end in short:
        if not outermost or begin > outermost[-1][1]:
            outermost.append((begin, end))
    return partner, outermost


def _opens(text: str, at: int) -> bool:
    """Whether a straight quotation mark stands before a word and not behind one; unknown between Chinese characters."""
    behind_blank = at == 0 or text[at - 1].isspace() or text[at - 1] in _OPENERS
    return behind_blank and not text[at + 1 : at + 2].isspace()


def last_word(text: str, end: int) -> str:
    """The word, abbreviation (without its last full stop) or number directly before ``end``; empty if there is none."""
    match = _LAST_WORD.search(text, max(0, end - _LONGEST), end)
    return match[0] if match else ""
