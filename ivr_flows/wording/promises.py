"""Whether a sentence promises the caller money; pure.

Nobody has allowed a model to promise a refund, a discount or a compensation: what it says here
binds the business. Facts of the past ("your refund was sent") and refusals are no promises.
"""

import re

from ivr_flows.wording.money_reports import DONE_WORDS, MONEY_STEMS

_NOT_ITSELF = (
    r"(?! (?:policy|policies|status|request|details|rules|form|query|queries|team|desk|department"
    r"|terms|cards?|number)\b)"
)
_EN_MONEY = (
    r"(?:\b(?:(?:refund\w*|reimburs\w*|compensat\w*|cash\s?back|discount\w*|voucher\w*|coupon\w*"
    r"|credit\w*|waive\w*)\b" + _NOT_ITSELF + r"|(?:your|the|all|whole|full) money\b|money back\b"
    r"|free of charge\b|for free\b|pay(?:ing)? you\b|(?:percent|per cent) off\b|off your\b)"
    r"|% off\b)"
)
# These stand in sentences about paying too: only with a verb of giving or getting.
_EN_SUM = r"\b(?:money|amount|rupees|payment|fees?|charges)\b"
_EN_WE_WILL = (
    r"\b(?:(?:i|we)(?:'ll| will| shall| can| am going to| are going to| promise| guarantee"
    r"|'m going to|'re going to)|let me)\b"
)
_EN_YOU_WILL = r"\byou(?:'ll| will| shall| are going to| can expect| are entitled)\b"
_EN_WILL = (
    rf"(?:{_EN_WE_WILL}|{_EN_YOU_WILL}"
    r"|\b(?:it|that|the \w+|this|your \w+)(?:'ll| will| shall| is going to) be\b)"
)
_EN_ONLY_HELPS = (
    r"\s+(?:now |then |just |only |first )*(?:check|look|find|see|help|ask|connect|tell|note|pass"
    r"|explain|transfer you|try|need|have to|talk|inform|forward|raise|be able)\b"
)
_EN_DOING = r"\b(?:i|we)(?:'m|'re| am| are)(?: \w+){0,2}"
_EN_DONE = r"\b(?:i|we)(?:'ve| have)(?: \w+){0,2}"
_ENGLISH = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_EN_WILL}(?!{_EN_ONLY_HELPS}).*?{_EN_MONEY}",
        rf"{_EN_WILL}.*?\band (?:then |also )?(?:refund|reimburse|compensate|waive|pay you"
        rf"|(?:give|return|send|get) you .*?{_EN_MONEY})",
        rf"{_EN_WE_WILL}(?: \w+){{0,2}} (?:give|return|pay|credit|deposit|send you|transfer)\b"
        rf".*?{_EN_SUM}",
        rf"{_EN_YOU_WILL}(?: \w+){{0,2}} (?:get|receive|have) "
        rf"(?:(?!with|about|for|sms|message|call|bill|invoice|receipt)\w+ ){{0,3}}?{_EN_SUM}",
        rf"{_EN_SUM}(?: \w+){{0,3}}? (?:will|shall|is going to) be "
        r"(?:\w+ )?(?:returned|credited|refunded|reimbursed|paid back|given|sent|back|waived)\b",
        rf"{_EN_MONEY}.*?(?:\b(?:will|shall)|'ll) be\b",
        rf"{_EN_DOING} (?:refund|reimburs|compensat|waiv)ing\b",
        rf"{_EN_DOING} (?:giving|sending|crediting|issuing|offering|returning|processing|paying"
        rf"|arranging|approving|granting|applying|adding)\b.*?{_EN_MONEY}",
        r"\b(?:i|we) (?:promise|guarantee)\b.*?\b(?:refund|money|discount|compensation|free)\b",
    )
)
_ENGLISH_DONE = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_EN_DONE} (?:refunded|reimbursed|compensated|waived)\b",
        rf"{_EN_DONE} (?:issued|given|approved|granted|sent|credited|applied|added|processed"
        rf"|initiated|arranged|offered)\b.*?{_EN_MONEY}",
        rf"{_EN_MONEY}(?: \w+){{0,2}}? (?:is|are|has been|have been)(?: \w+){{0,2}}? "
        r"(?:approved|granted|confirmed|sanctioned|issued|waived)\b",
    )
)
"""Not to come but done: a fact where a tool reports the same, else a promise like the others."""

_CARD = re.compile(r"\bcredit(?= cards?\b)", re.IGNORECASE)  # no money to be had
_HINDI_MARATHI = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b(?:refund\w*|paise|paisa|discount|compensation|cash\s?back|muft)\b[^,]*?"
        r"\b(?:mil ja+y?e\w*|milega|milenge|milegi|de d[ui]ng[ia]|denge|dunga|dungi|kar denge|"
        r"kar dunga|kar dungi|karenge|ho ja+y?eg\w*|aa? ja+y?eg\w*|aa? ja+y?enge|milel|miltil"
        r"|deu|dein)\b",
        r"(?:रिफंड|रिफ़ंड|पैसे|पैसा|रकम|राशि|छूट|डिस्काउंट|मुआवज़ा|मुआवजा|कैशबैक|मुफ़्त|मुफ्त)[^,]*?"
        r"(?:मिल जाए|मिलेग|मिलेंगे|दे दूँ|दे दूं|देंगे|दूँग|दूंग|कर देंगे|कर दूँ|कर दूं|करेंगे|करूँग|करूंग"
        r"|हो जाए|आ जाए|दिलवा|दिला)",
        r"(?:रिफंड|परतावा|पैसे|रक्कम|सूट|सवलत|डिस्काउंट|भरपाई|कॅशबॅक|मोफत|फुकट)[^,]*?"
        r"(?:मिळेल|मिळतील|देऊ|देईन|करू|करेन|केले जातील|केला जाईल|दिले जातील|दिला जाईल|मिळवून)",
        r"(?:रिफंड|रिफ़ंड|छूट|डिस्काउंट|मुआवज़ा|मुआवजा|कैशबैक|परतावा|सवलत|भरपाई|कॅशबॅक) "
        r"(?:(?:दे|कर) रह|(?:देत|करत) आह|मंज़ूर|मंजूर|अप्रूव)",
        r"\b(?:refund|discount|cashback) (?:(?:de|kar) rah[aei]|manjoor|manzoor|approve)",
    )
)
_REFUSED = re.compile(
    r"\b(?:not|cannot|dont|wont|cant|never|unable|no one|nobody|whether|if)\b|n't\b"
    r"|नहीं|नही|नाही|नको|शकत ना|सकत[ीाे] नह|\bnahi\b|\bnahin\b|\bnako\b",
    re.IGNORECASE,
)
_NO_BEFORE = re.compile(
    r"\bno(?: \w+)?\s*$", re.IGNORECASE
)  # "no refund will be", "no full refund"
# They deny nothing of what follows them.
_REASSURES = re.compile(
    r"\b(?:do not|don't|dont|no need to) worry\b|\bno (?:worries|problem|issues?)\b"
    r"|\bnot (?:a|to) (?:problem|worry)\b|\bnot only\b|कोई बात नह(?:ीं|ी)|(?:चिंता|फ़िक्र|फिक्र|परेशान) "
    r"(?:मत|न|ना) \S+|काळजी (?:करू )?(?:नका|नको)|काही हरकत नाही|\bkoi baat nah(?:in?|i)\b"
    r"|\b(?:chinta|fikar) (?:mat|na) \w+|\bkalji (?:karu )?(?:naka|nako)\b",
    re.IGNORECASE,
)
_CLAUSES = re.compile(r"\bbut\b|लेकिन|मगर|\blekin\b|\bmagar\b|पण|परंतु|[;:]", re.IGNORECASE)
_NEAR_WORDS = 3  # "not sure that you will get": so far before or behind a promise takes it back


def promises_money(sentence: str, reports: tuple[str, ...] = ()) -> bool:
    """Whether a sentence, or a part of it before or behind a "but", promises money.

    `reports`: of tools, as `money_reports` has them. "The refund has been issued" is a fact where
    one of them says so.
    """
    plain = _REASSURES.sub(" ", sentence.replace("’", "'"))
    return any(_promises(part, reports) for part in _CLAUSES.split(plain))


def _promises(part: str, reports: tuple[str, ...]) -> bool:
    if any(_stands(pattern, part, is_english=True) for pattern in _ENGLISH):
        return True
    is_done = any(_stands(pattern, part, is_english=True) for pattern in _ENGLISH_DONE)
    if is_done and not _is_reported(part, reports):
        return True
    return any(_stands(pattern, part, is_english=False) for pattern in _HINDI_MARATHI)


def _is_reported(part: str, reports: tuple[str, ...]) -> bool:
    """Whether all the money that is named was reported, with one of the deeds that are."""
    money, deeds = _found(MONEY_STEMS, _CARD.sub(" ", part)), _found(DONE_WORDS, part)
    fitting = [report for report in reports if deeds & _found(DONE_WORDS, report)]
    reported = {stem for report in fitting for stem in _found(MONEY_STEMS, report)}
    return bool(money) and money <= reported


def _found(words: re.Pattern[str], text: str) -> set[str]:
    return {word.lower() for word in words.findall(text)}


def _stands(pattern: re.Pattern[str], part: str, *, is_english: bool) -> bool:
    """Whether the pattern is found somewhere without a denial in or near it."""
    match = pattern.search(part)
    while match is not None:
        before = " ".join(part[: match.start()].rpartition(",")[2].split()[-_NEAR_WORDS:])
        # Hindi and Marathi deny behind the verb, English in front of it.
        behind = "" if is_english else part[match.end() :].partition(",")[0]
        near = f"{before} {match[0]} {' '.join(behind.split()[:_NEAR_WORDS])}"
        if not _REFUSED.search(near) and not (is_english and _NO_BEFORE.search(before)):
            return True
        match = pattern.search(part, match.start() + 1)
    return False
