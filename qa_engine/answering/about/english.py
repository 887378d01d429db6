"""The wordings of questions about documents in English, as patterns of whole questions."""

from __future__ import annotations

import re

from qa_engine.answering.about.kinds import Kind, Wordings, compiled

POLITE = re.compile(
    r"^(?:please|hi|hello|(?:can|could|would|will) you(?: please)?|tell me|show me|let me know|do you know|give me|briefly"
    r"|i (?:want|would like|'d like) to know)\b[,:\s]*",
    re.I,
)
"""What is said before a question and asks for nothing."""
TAIL = re.compile(r",? (?:and )?(?:what are they(?: called)?|which ones|list them|name them)$", re.I)
"""What is said behind a question and asks for no more than it does."""
_S = r"(?P<s>[^,;?]{0,90}?)"
"""The words that name a document."""
_OF = rf"(?:,? (?:of|in|from|within|for) {_S})?"
_NUMBER = r"(?P<n>[0-9]{1,4}(?:st|nd|rd|th)?|[ivxl]{1,6}|one|two|three|four|five|six|seven|eight|nine|ten)"
_ORDINAL = r"(?P<m>first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|last|cover|[0-9]{1,4}(?:st|nd|rd|th))"
_PAGE = rf"(?:the )?(?:page {_NUMBER}|{_ORDINAL} page)"
_PART = rf"(?:(?P<unit>chapter|section|part) {_NUMBER}|the {_ORDINAL} (?P<unit2>chapter|section|part))"
_NAMED = (
    r"(?:the )?(?:(?P<name>introduction|abstract|conclusions?|preface|foreword|appendix|executive summary|background"
    r"|references|discussion|related work|annex|preamble|acknowledge?ments)(?: section| part| chapter)?"
    r"|[\"“](?P<name2>[^\"”]{2,40})[\"”](?: section| part| chapter)?|(?P<name3>[a-z][\w -]{1,40}?) (?:section|chapter))"
)
_ORGANISATION = (
    r"(?:who|which (?:department|authority|company|organi[sz]ation|body|agency|institution|office))"
)
_ISSUED = r"(?:issued|published|released|adopted|enacted|promulgated)"
_DOCUMENTS = (
    r"(?P<s>(?:pdf )?(?:file|document|pdf|contract|agreement|report|manual|handbook|guide|paper|book)s?)"
)
_TREATS = (
    r"deals? with|covers?|mentions?|(?:is|are|talks?|says something) about|discuss(?:es)?"
    r"|treats?|describes?|concerns?|address(?:es)?|explains?|regulates?|specif(?:y|ies)"
    r"|contains?(?: information)?(?: about| on)?"
)
_MOST = r"(?P<most>longest|shortest|newest|latest|most recent|oldest|earliest|most pages|fewest pages)"
_ARTICLE = rf"(?:article|clause) {_NUMBER}"
_SAY = r"(?:say|state|provide|cover|contain|discuss|describe|talk about|deal with|regulate|stipulate|include|specify)"
_WHAT_IS = r"what(?:'s| is| are)"
_SAID = r"(?:(?:said|stated|written|provided|specified|shown|printed) )?"
_FILES = r"(?:pdf )?(?:files|documents|pdfs)"
_LIBRARY = r"(?:the|this|your) (?:collection|knowledge base|library|index)"
_HELD = rf"(?: (?:are there|are|do you have|do we have|are available|are indexed|does {_LIBRARY} (?:have|contain|hold)))?"
_TOTAL = r"(?: in total| altogether| long)?"
_UNITS = r"(?P<unit>chapters|sections|parts|articles|clauses)"
_MADE = r"(?P<verb>created|written|published|issued|released|made|dated|prepared|produced|generated|authored)"
_DATE = r"(?P<verb>creation |publication |issue |issuing |release )?date"
_TOPIC = r"(?:topic|subject|subject matter|content|gist|theme|message|point|idea|purpose)s?"

_PATTERNS: dict[Kind, Wordings] = {
    "files": (
        rf"how many {_FILES}{_HELD}(?: in {_LIBRARY})?",
        rf"(?:list|name)(?: all)?(?: of)?(?: the| your)? {_FILES}(?: (?:in {_LIBRARY}|you have))?",
        rf"(?:which|what) {_FILES}{_HELD}(?: in {_LIBRARY})?",
        rf"how many {_S} (?:are there in {_LIBRARY}|are in {_LIBRARY}|do you have|have i uploaded|did i upload)",
    ),
    "pages": (
        rf"how many pages (?:does|do|did) {_S} (?:have|contain|run to|comprise|consist of|span){_TOTAL}",
        rf"how many pages (?:are there |are |is )?(?:in|long is|has) {_S}{_TOTAL}",
        rf"how many pages (?:is|are) {_S}{_TOTAL}",
        rf"how many pages(?: are there| in total| long is it| altogether)*{_OF}",
        rf"(?:{_WHAT_IS} )?(?:the )?(?:total )?(?:number of pages|page count|page total){_OF}",
        rf"how long is {_S} in pages",
        r"how long is (?P<s>(?:this|the) (?:document|file|pdf|paper|report|book))",
    ),
    "author": (
        rf"who (?:wrote|authored|made|drafted|compiled|is the author of|are the authors of|created|prepared) {_S}",
        rf"(?:who(?:'s| is| are)|{_WHAT_IS}) {_S}'s? authors?",
        rf"(?:who(?:'s| is| are) |{_WHAT_IS} )?(?:the )?(?:name of the )?authors?{_OF}",
        rf"(?:by whom|by who) (?:was|were) {_S} written",
        rf"who (?:was|were) {_S} written by",
    ),
    "issuer": (
        rf"{_ORGANISATION} {_ISSUED} {_S}",
        rf"(?:by whom|by who) (?:was|were) {_S} {_ISSUED}",
        rf"who(?:'s| is| are| was) the (?:issuer|publisher)s? of {_S}",
        rf"who (?:was|were) {_S} {_ISSUED} by",
    ),
    "extreme": (
        rf"(?:which|what) {_DOCUMENTS} (?:is|are|has|have) (?:the )?{_MOST}(?: one| ones)?",
        rf"(?:which|what) (?:is|are) the {_MOST} {_DOCUMENTS}(?: (?:in|of) {_LIBRARY})?",
        rf"which of the {_DOCUMENTS} (?:is|are|has|have) (?:the )?{_MOST}",
    ),
    "which": (
        rf"(?:in )?(?:which|what) {_DOCUMENTS} (?:{_TREATS}) (?P<topic>.{{2,100}})",
        rf"(?:in )?(?:which|what) {_DOCUMENTS} (?:can|could|do|will|would) (?:i|we|you) (?:find|read|look up)"
        r" (?:(?:information|details|something|anything|more) )?(?:on |about )?(?P<topic>.{2,100})",
        rf"(?:in )?(?:which|what) {_DOCUMENTS} (?:is|are) (?P<topic>.{{2,100}}) (?:mentioned|described|discussed|covered"
        r"|treated|dealt with|regulated|explained|specified|found|stated|defined)",
    ),
    "date": (
        rf"(?:when|on (?:what|which) (?:date|day)|in (?:what|which) year) (?:was|were|is) {_S} {_MADE}",
        rf"{_WHAT_IS} the {_DATE} (?:of|on|for) {_S}",
        rf"{_WHAT_IS} {_S}'s? {_DATE}",
        rf"what date is (?:printed |given |written )?on {_S}",
    ),
    "chapters": (
        rf"(?:how many|what|which) {_UNITS} (?:does|do) {_S} (?:have|contain|consist of|comprise|include){_TOTAL}",
        rf"(?:how many|what|which) {_UNITS}(?: are there| are)?{_OF}",
        rf"(?:list|name|show|{_WHAT_IS})(?: all)?(?: of)? (?:the )?(?:main )?"
        rf"(?P<unit>chapters|sections|table of contents|chapter titles|section titles){_OF}",
        rf"(?:is|are) there an? (?P<unit>chapter|section|part|article|clause) {_NUMBER}{_OF}",
        rf"does {_S} have an? (?P<unit>chapter|section|part|article|clause) {_NUMBER}",
        rf"(?:the )?(?P<unit>table of contents|outline){_OF}",
        rf"into how many {_UNITS} is {_S} (?:divided|split)",
    ),
    "outline": (
        rf"{_WHAT_IS} the (?P<unit>outline|structure) of {_S}",
        rf"how is {_S} (?P<unit>structured|organi[sz]ed)",
    ),
    "page": (
        rf"(?:{_WHAT_IS}|what) {_SAID}(?:on |in )?{_PAGE}{_OF}(?: about)?",
        rf"what does {_PAGE}{_OF} {_SAY}",
        rf"{_WHAT_IS} the (?:content|contents|text) of {_PAGE}{_OF}",
        rf"(?:summari[sz]e )?{_PAGE}{_OF}",
    ),
    "article": (
        rf"what (?:does|do) {_ARTICLE}{_OF} {_SAY}(?: for)?",
        rf"{_WHAT_IS} {_SAID}(?:in )?{_ARTICLE}{_OF}(?: about)?",
        rf"summari[sz]e {_ARTICLE}{_OF}",
    ),
    "chapter": (
        rf"what (?:does|do) {_PART}{_OF} {_SAY}",
        rf"{_WHAT_IS} {_SAID}(?:in )?{_PART}{_OF}(?: about)?",
        rf"summari[sz]e {_PART}{_OF}",
        rf"{_WHAT_IS} the (?:title|name|heading) of {_PART}{_OF}",
        rf"what (?:does|do) {_NAMED}{_OF} {_SAY}",
        rf"{_WHAT_IS} {_SAID}(?:in )?{_NAMED}{_OF}(?: about)?",
        rf"summari[sz]e {_NAMED}{_OF}",
    ),
    "title": (
        rf"{_WHAT_IS} the (?:full |exact )?(?:title|name) of {_S}",
        rf"{_WHAT_IS} {_S}'s? title",
        rf"{_WHAT_IS} {_S} (?:called|titled|entitled)",
        rf"{_WHAT_IS} the title",
    ),
    "overview": (
        rf"{_WHAT_IS} {_S} (?:all )?about",
        rf"summari[sz]e {_S}(?: for me| briefly| in (?:a few|one|two|three) sentences?| in chinese)?",
        rf"(?:write )?(?:(?:a|an|the) )?(?:brief |short |quick |concise |general )*"
        rf"(?:summary|overview|abstract|synopsis)(?: (?:of|about) {_S})?",
        rf"what (?:does|do) {_S} (?:say|cover|discuss|talk about|deal with|contain|describe|tell(?: us)?)",
        rf"{_WHAT_IS} the (?:main |general |key )*{_TOPIC} of {_S}",
        r"what (?:kind of|sort of|type of) (?:document|file|text) is (?P<s>this|it|that|the document|the file)",
        rf"what topics (?:does|do) {_S} (?:cover|discuss|deal with)",
    ),
}
WORDINGS = compiled(_PATTERNS)
