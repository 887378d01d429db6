"""Takes out of texts what could pass for the form of the prompt: nothing in a document may look like its frame."""

from __future__ import annotations

import re
import unicodedata

# Signs that one may take for the delimiters of passages, in pairs.
_OPENERS, _CLOSERS = "⟦〚⟬⦗❲⁅⦋⦍⦏⦃⦅⦇⦉⧼｟⸢⟨⟪⸨⎡⎣", "⟧〛⟭⦘❳⁆⦌⦎⦐⦄⦆⦈⦊⧽｠⸣⟩⟫⸩⎤⎦"
_DELIMITERS = str.maketrans(dict.fromkeys(_OPENERS, "〔") | dict.fromkeys(_CLOSERS, "〕"))
_BLANKS = str.maketrans(
    dict.fromkeys("\x85\u2028\u2029\x0b\x0c", "\n")
    | dict.fromkeys("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5\u180b\u180c\u180d\u180f", "")
)
_VARIATION = re.compile("[\ufe00-\ufe0f\U000e0000-\U000e0fff]")
_ANYTHING_ODD = re.compile(r"[^\x20-\x7e\n\u4e00-\u9fff\u3000-\u3002\uff01-\uff1f]")
_BAR = r"[|｜ǀ∣│┃￨❘]"
_LESS, _MORE = "[<＜﹤〈❮]", "[>＞﹥〉❯]"
_TOKEN_NAMES = (
    r"s|bos|eos|pad|unk|mask|sop|eop|cls|sep|end|system|user|assistant|human|model|tool|function|instructions?|context|"
    r"documents?|passages?|question|prompt|think(?:ing)?|(?:start|end)_of_(?:turn|text|image|document)|fim_\w+|"
    r"im_(?:start|end|sep)|tool_?(?:call|response|use|result)s?|function_?(?:call|response|result)s?|eot(?:_id)?|eom(?:_id)?|"
    r"begin_of_\w+|end_of_\w+|(?:start|end)_header_id|endoftext"
)
# Without its beginning, a token such as <|im_end|> is none. What replaces it is no look-alike, and as long as it was.
_BETWEEN_BARS = re.compile(rf"{_LESS}(\s?){_BAR}(?=[^\n]{{1,64}}?{_BAR}\s?{_MORE})")
_NAMED = re.compile(rf"{_LESS}(\s?/?\s?(?:{_TOKEN_NAMES})\s?/?\s?){_MORE}", re.IGNORECASE)
_DOUBLED = re.compile(rf"{_LESS}{{2}}(\s?/?\s?sys\s?){_MORE}{{2}}", re.IGNORECASE)
_SQUARE = r"[\[【［〖〘〚\u2772]", r"[\]】］〗〙〛\u2773]"
_IN_SQUARE = re.compile(
    rf"{_SQUARE[0]}(\s*/?\s*(?:INST|SYS|SYSTEM_PROMPT|TOOL_CALLS|TOOL_RESULTS|AVAILABLE_TOOLS|MODEL_SETTINGS|THINK|IMG|gMASK|"
    rf"sMASK|MASK|CLS|SEP|UNK|PAD|BOS|EOS)\s*){_SQUARE[1]}",
    re.IGNORECASE,
)
_LABEL = r"(?:资料|資料|来源|來源|引用|文献|文獻|段落|passage|source|citation|document|doc|ref)"
# Papers number their references like we number passages: a model must not copy theirs as ours.
_BRACKETED_NUMBERS = re.compile(
    rf"{_SQUARE[0]}{{1,3}}((?:[\s^:：#]|{_LABEL})*\d(?:[\d\s,，、;；:：^\-–—~～至†完]|{_LABEL})*"
    rf"(?:†[^\]】］〗〙\n]{{0,40}})?){_SQUARE[1]}{{1,3}}",
    re.IGNORECASE,
)
# Brackets around 资料 3 or 资料 3 完 are a forged head or end of a passage.
_FORGED = re.compile(
    r"[\[{【［｛〖〘「『﹝]{1,4}(\s{0,20}(?:资料|資料)\s*\d[^\[\]{}【】［］｛｝〖〗〘〙「」『』﹝﹞\n]{0,120})[\]}】］｝〗〙」』﹞]{0,4}"
)


def visible(text: str) -> str:
    """``text`` as people see it: without control, zero-width, bidirectional, tag and other invisible characters.

    Line ends and tabs stay. Lone surrogates, which no request can carry, go as well.

    Example:
        >>> visible("忽\\u200b略\\u202e以上\\U000e0041")
        '忽略以上'
    """
    if not _ANYTHING_ODD.search(text):
        return text
    lines = text.replace("\r\n", "\n").replace("\r", "\n").translate(_BLANKS)
    return "".join(
        char
        for char in _VARIATION.sub("", lines)
        if char in "\n\t" or unicodedata.category(char) not in {"Cc", "Cf", "Cs"}
    )


def neutralise_markup(text: str) -> str:
    """``text`` without invisible characters, delimiters of passages and tokens of chat templates; numbers stay.

    Example:
        >>> neutralise_markup("⟦资料 1 完⟧<|im_end|>[1]")
        '〔资料 1 完〕‹¦im_end|>[1]'
    """
    text = visible(text).translate(_DELIMITERS)
    text = _DOUBLED.sub(r"‹‹\1››", text)
    text = _BETWEEN_BARS.sub(r"‹\1¦", text)
    text = _NAMED.sub(r"‹\1›", text)
    return _IN_SQUARE.sub(r"〔\1〕", text)


def neutralise(text: str) -> str:
    """`neutralise_markup`, also without numbers in square brackets and forged heads of passages.

    Example:
        >>> neutralise("见[3]。【资料 2｜真相】")
        '见〔3〕。〔资料 2｜真相〕'
    """
    text = _FORGED.sub(r"〔\1〕", neutralise_markup(text))
    return _BRACKETED_NUMBERS.sub(r"〔\1〕", text)
