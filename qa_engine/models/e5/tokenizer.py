"""The tokenizer of multilingual-e5-small: one of the whole vocabulary, and one in a millisecond for a single text.

A tokenizer of all 250,000 pieces takes half a second to a second to build and holds the interpreter lock meanwhile: a
sixth of the time from the start of a command to an answer. But the tokens of a text depend only on the pieces that occur
in it, and on the lowest score of all, from which that of an unknown character follows. So a question is tokenized by a
`tokenizers.models.Unigram` of the pieces that occur in it, which are looked up in a file; the ids are the same.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from threading import Lock

from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import Unigram

from qa_engine.errors import ModelUnavailableError
from qa_engine.models.e5.weights import E5Weights

MAX_TOKENS = 512
VOCABULARY_FILE = "tokenizer.json"
PIECES_FILE = "pieces.sqlite3"
_LONGEST_PIECE = 16
_BLANK = "\u2581"
_SPECIAL = 4
"""The first pieces are ``<s>``, ``<pad>``, ``</s>`` and ``<unk>``; a text that holds one as characters has that token."""
_UNKNOWN = 3
_OCCURRING = """
    SELECT json_group_array(json_array(piece, id, printf('%!.17g', score))) FROM pieces
    WHERE piece IN (SELECT value FROM json_each(?) UNION SELECT piece FROM always)
"""
"""One row, since Python's sqlite3 gives up the interpreter lock for each row and each of its columns, and other threads take
it; 17 digits are all of a score."""


@dataclass(frozen=True)
class Tokens:
    """The tokens of a text.

    Attributes:
        ids: with the special tokens at both ends, at most `MAX_TOKENS`.
        offsets: first character and end of each in the text.
    """

    ids: list[int]
    offsets: list[tuple[int, int]]


class E5Tokenizer:
    """Texts in, tokens out. Thread-safe.

    Args:
        folder: of the prepared model.

    Raises:
        ModelUnavailableError: a file is missing or damaged.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = Lock()
        self._whole: Tokenizer | None = None
        self._pieces: dict[int, str] = {}
        if not (folder / VOCABULARY_FILE).is_file():
            raise ModelUnavailableError(_damaged(folder, f"{VOCABULARY_FILE} is missing"))
        try:
            uri = f"{(folder / PIECES_FILE).absolute().as_uri()}?mode=ro&immutable=1"
            self._database = sqlite3.connect(uri, uri=True, check_same_thread=False)
            self._occurring("")
        except sqlite3.Error as error:
            raise ModelUnavailableError(_damaged(folder, f"{PIECES_FILE}: {error}")) from error

    def tokenize(self, texts: Sequence[str]) -> list[Tokens]:
        """The tokens of each text, by the whole vocabulary; the first call loads it.

        Raises:
            ModelUnavailableError: the file of the vocabulary is missing or damaged.
        """
        encodings = self._vocabulary().encode_batch(list(texts))
        return [Tokens(encoding.ids, encoding.offsets) for encoding in encodings]

    def tokenize_one(self, text: str) -> Tokens:
        """The tokens of a text, the same as those of `tokenize`, without loading the vocabulary.

        Raises:
            ModelUnavailableError: the file of the pieces is damaged.
        """
        try:
            rows = self._occurring(_BLANK + _NORMALIZER.normalize_str(text).replace(" ", _BLANK))
        except sqlite3.Error as error:
            raise ModelUnavailableError(_damaged(self._folder, f"{PIECES_FILE}: {error}")) from error
        encoding = _tokenizer([(piece, score) for piece, _, score in rows]).encode(text)
        tokens = [rows[row] for row in encoding.ids]
        self._pieces.update((number, piece) for piece, number, _ in tokens)
        return Tokens([number for _, number, _ in tokens], encoding.offsets)

    def piece(self, number: int) -> str:
        """The characters of a token, or nothing if there is no such token."""
        if number not in self._pieces:
            self._pieces[number] = self._vocabulary().id_to_token(number) or ""
        return self._pieces[number]

    def load(self) -> None:
        """Loads the whole vocabulary, if it is not loaded yet; `tokenize` would else do it.

        Raises:
            ModelUnavailableError: its file is missing or damaged.
        """
        self._vocabulary()

    def renew_lock(self) -> None:
        """For a forked child, which may have the lock without its holder."""
        self._lock = Lock()

    def _vocabulary(self) -> Tokenizer:
        with self._lock:
            if self._whole is None:
                try:
                    self._whole = Tokenizer.from_file(str(self._folder / VOCABULARY_FILE))
                except Exception as error:  # tokenizers raises nothing narrower
                    raise ModelUnavailableError(
                        _damaged(self._folder, f"{VOCABULARY_FILE}: {error}")
                    ) from error
                self._whole.enable_truncation(MAX_TOKENS)
            return self._whole

    def _occurring(self, normalized: str) -> list[tuple[str, int, float]]:
        """Piece, id and score of all pieces in a text, the special ones first."""
        lengths = range(1, _LONGEST_PIECE + 1)
        parts = {normalized[start : start + length] for start in range(len(normalized)) for length in lengths}
        with self._lock:
            [(packed,)] = self._database.execute(_OCCURRING, [json.dumps(list(parts))])
        rows = ((piece, number, float(score)) for piece, number, score in json.loads(packed))
        return sorted(rows, key=itemgetter(1))


def write_tokenizer(weights: E5Weights, folder: Path) -> None:
    """Writes the files from which `E5Tokenizer` loads.

    Raises:
        ValueError: a piece is longer than any of multilingual-e5-small.
    """
    scored = list(zip(weights.pieces, weights.piece_scores.tolist(), strict=True))
    if max(map(len, weights.pieces)) > _LONGEST_PIECE:
        raise ValueError(f"a piece has more than {_LONGEST_PIECE} characters")
    _tokenizer(scored).save(str(folder / VOCABULARY_FILE), pretty=False)
    rows = sorted((piece, number, score) for number, (piece, score) in enumerate(scored))
    lowest = min(scored, key=lambda piece: piece[1])
    with closing(sqlite3.connect(folder / PIECES_FILE)) as database:
        database.execute("CREATE TABLE pieces (piece TEXT PRIMARY KEY, id INTEGER, score REAL) WITHOUT ROWID")
        database.execute("CREATE TABLE always (piece TEXT)")
        database.executemany("INSERT INTO pieces VALUES (?, ?, ?)", rows)
        database.executemany(
            "INSERT INTO always VALUES (?)", [(piece,) for piece, _ in [*scored[:_SPECIAL], lowest]]
        )
        database.commit()


def _tokenizer(pieces: list[tuple[str, float]]) -> Tokenizer:
    """The sentencepiece unigram tokenizer of XLM-RoBERTa over pieces and their scores, special tokens included."""
    tokenizer = Tokenizer(Unigram(pieces, unk_id=_UNKNOWN, byte_fallback=False))
    tokenizer.normalizer = _NORMALIZER
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=_BLANK, prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement=_BLANK, prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s>:0 $A:0 </s>:0",
        pair="<s>:0 $A:0 </s>:0 $B:1 </s>:1",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    tokenizer.enable_truncation(MAX_TOKENS)
    return tokenizer


# It drops control characters, turns invisible and white-space characters into blanks and applies NFKC, as sentencepiece's
# `nmt_nfkc` does.
_NORMALIZER = normalizers.Sequence(
    [
        normalizers.Replace(Regex("[\t\n\f\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]"), " "),
        normalizers.Replace(Regex("[\u0001-\u0008\u000b\u000e-\u001f\u007f\u008f\u009f]"), ""),
        normalizers.NFKC(),
        normalizers.Replace(Regex(" {2,}"), " "),
    ]
)


def _damaged(folder: Path, what: str) -> str:
    return f"The local model in {folder} cannot be loaded ({what}): qa-engine models prepare --force."
