"""Text for benchmarks that need volume, not meaning: seeded sentences, or copies of real ones.

The invented words follow Zipf's law, so that an index has frequent and rare terms as with real text, and the
sentence lengths are log-normal around those of encyclopedic Chinese and English.
"""

from __future__ import annotations

import itertools
import random
import re
from dataclasses import dataclass
from pathlib import Path

from corpus import read_paragraphs

SENTENCES_PER_PARAGRAPH = 8
_VOCABULARY = 20_000
_HAN = (
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所"
    "民得经十三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好应开它合还因由其些然前外天政四日"
    "那社义事平形相全表间样与关各重新线内数正心反你明看原又么利比或但质气第向道命此变条只没结解问意建月公无系军很情者最立代想"
    "已通并提直题党程展五果料象员革位入常文总次品式活设及管特件长求老头基资边流路级少图山统接知较将组见计别她手角期根论运农指"
)
_ONSETS = (
    "b",
    "br",
    "c",
    "cl",
    "d",
    "f",
    "g",
    "gr",
    "h",
    "j",
    "l",
    "m",
    "n",
    "p",
    "pr",
    "r",
    "s",
    "st",
    "t",
    "tr",
)
_VOWELS = ("a", "e", "i", "o", "u", "ea", "ou")
_CODAS = ("", "n", "r", "s", "t", "nd", "rt", "l", "m")
_FUNCTION_WORDS = ("the", "of", "and", "in", "to", "was", "for", "with", "by", "on", "that", "from", "which")
_SENTENCE_END = re.compile(r"(?<=[。！？])|(?<=[.!?])\s+")
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True)
class Volume:
    """Paragraphs as (title, text), and questions to ask about them."""

    paragraphs: list[tuple[str, str]]
    questions: list[str]


class SentenceMaker:
    """Seeded sentences of invented words.

    Example:
        >>> SentenceMaker(7).chinese() == SentenceMaker(7).chinese()
        True
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self._han = [self._han_word() for _ in range(_VOCABULARY)]
        self._latin = [*_FUNCTION_WORDS, *(self._latin_word() for _ in range(_VOCABULARY))]
        ranks = range(1, len(self._latin) + 1)
        self._zipf = list(itertools.accumulate(1 / rank for rank in ranks))

    def chinese(self) -> str:
        """One sentence, in the median 32 characters long."""
        length = min(120.0, max(8.0, self.random.lognormvariate(3.47, 0.5)))
        clauses: list[str] = [""]
        while sum(map(len, clauses)) < length:
            if len(clauses[-1]) > 12:
                clauses.append("")
            clauses[-1] += self._draw(self._han)
        return "，".join(clauses) + "。"

    def english(self) -> str:
        """One sentence, in the median 20 words long."""
        length = round(min(70.0, max(5.0, self.random.lognormvariate(3.0, 0.45))))
        sentence = " ".join(self._draw(self._latin) for _ in range(length))
        return sentence[0].upper() + sentence[1:] + "."

    def _draw(self, words: list[str]) -> str:
        return self.random.choices(words, cum_weights=self._zipf[: len(words)])[0]

    def _han_word(self) -> str:
        return "".join(self.random.choices(_HAN, k=self.random.choice((2, 2, 3))))

    def _latin_word(self) -> str:
        pick = self.random.choice
        syllables = (pick(_ONSETS) + pick(_VOWELS) for _ in range(pick((1, 2, 2, 3))))
        return "".join(syllables) + pick(_CODAS)


def invented_volume(sentences: int, questions: int, seed: int) -> Volume:
    """Chinese paragraphs of about so many sentences; a question is a piece of one of them."""
    maker = SentenceMaker(seed)
    made = [maker.chinese() for _ in range(sentences)]
    paragraphs = [
        ("", "".join(made[start : start + SENTENCES_PER_PARAGRAPH]))
        for start in range(0, sentences, SENTENCES_PER_PARAGRAPH)
    ]
    return Volume(
        paragraphs, [f"{_piece(maker.random.choice(made), maker.random)}是什么？" for _ in range(questions)]
    )


def repeated_volume(source: Path, sentences: int, questions: int, seed: int) -> Volume:
    """The paragraphs of a SQuAD-style file, repeated up to about so many sentences, and its questions.

    A copy has its sentences in another order and other digits, so that no two vectors are the same.
    """
    chance = random.Random(seed)
    originals = read_paragraphs(source)
    wordings = [q["question"] for p in originals for q in p.questions if q["question"].strip()]
    paragraphs: list[tuple[str, str]] = []
    count = 0
    for turn in itertools.count():
        for original in originals:
            parts = [part for part in _SENTENCE_END.split(original.text) if part.strip()]
            if turn:
                chance.shuffle(parts)
                parts = [_DIGIT.sub(lambda _: chance.choice("0123456789"), part) for part in parts]
            paragraphs.append((original.title, _joined(parts)))
            count += len(parts)
            if count >= sentences:
                break
        if count >= sentences or not count:
            break
    return Volume(paragraphs, chance.sample(wordings, min(questions, len(wordings))))


def _joined(sentences: list[str]) -> str:
    """A blank after a sentence only where its script has one."""
    return "".join(f"{part} " if part[-1] in ".!?" else part for part in map(str.strip, sentences)).strip()


def _piece(sentence: str, chance: random.Random) -> str:
    clause = chance.choice(sentence.rstrip("。").split("，"))
    return clause[: chance.randint(6, 14)]
