"""Whether a sentence promises the caller money; pure.

Nobody has allowed a model to promise a refund, a discount or a compensation: what it says here
binds the business. Facts of the past ("your refund was sent") and refusals are no promises.
"""

import re

_EN_MONEY = (
    r"(?:refund\w*|reimburs\w*|compensat\w*|cash\s?back|discount\w*|voucher\w*|coupon\w*|credit\w*"
    r"|money|rupees|amount|free of charge|for free|waive\w*|pay(?:ing)? you)"
)
_EN_WILL = (
    r"(?:\b(?:i|we)(?:'ll|’ll| will| shall| can| am going to| are going to| promise| guarantee"
    r"|'m going to|'re going to)"
    r"|\byou(?:'ll|’ll| will| shall| are going to| can expect| are entitled)"
    r"|\b(?:it|that|the \w+|this|your \w+)(?:'ll|’ll| will| shall| is going to) be\b)"
)
_EN_ONLY_HELPS = (
    r"\s+(?:now |then |just |only |first )*(?:check|look|find|see|help|ask|connect|tell|note|pass"
    r"|explain|transfer|try|need|have to|talk|inform|forward|raise|be able)\b"
)
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_EN_WILL}\b(?!{_EN_ONLY_HELPS}).*\b{_EN_MONEY}",
        rf"\b{_EN_MONEY}\b.*\b(?:will|shall|'ll|’ll) be\b",
        r"\b(?:i|we) (?:promise|guarantee)\b.*\b(?:refund|money|discount|compensation|free)\b",
        r"\b(?:refund\w*|paise|paisa|discount|compensation|cash\s?back|muft)\b.*"
        r"\b(?:mil ja+y?e\w*|milega|milenge|milegi|de d[ui]ng[ia]|denge|dunga|dungi|kar denge|"
        r"kar dunga|kar dungi|karenge|ho ja+y?eg\w*|milel|miltil|deu|dein)\b",
        r"(?:रिफंड|रिफ़ंड|पैसे|पैसा|रकम|राशि|छूट|डिस्काउंट|मुआवज़ा|मुआवजा|कैशबैक|मुफ़्त|मुफ्त).*"
        r"(?:मिल जाए|मिलेग|मिलेंगे|दे दूँ|दे दूं|देंगे|दूँग|दूंग|कर देंगे|कर दूँ|कर दूं|करेंगे|करूँग|करूंग"
        r"|हो जाए|दिलवा|दिला)",
        r"(?:रिफंड|परतावा|पैसे|रक्कम|सूट|सवलत|डिस्काउंट|भरपाई|कॅशबॅक|मोफत|फुकट).*"
        r"(?:मिळेल|मिळतील|देऊ|देईन|करू|करेन|केले जातील|केला जाईल|दिले जातील|दिला जाईल|मिळवून)",
    )
)
_REFUSED = re.compile(
    r"\b(?:not|n't|n’t|cannot|never|unable|no one|nobody|whether|if)\b|n't\b|n’t\b"
    r"|नहीं|नही|नाही|नको|शकत ना|सकत[ीाे] नह|\bnahi\b|\bnahin\b|\bnako\b",
    re.IGNORECASE,
)
_CLAUSES = re.compile(r"\bbut\b|लेकिन|मगर|\blekin\b|\bmagar\b|पण|परंतु|[;:]", re.IGNORECASE)


def promises_money(sentence: str) -> bool:
    """Whether a sentence, or a part of it before or behind a "but", promises money."""
    return any(
        any(pattern.search(part) for pattern in _PATTERNS) and not _REFUSED.search(part)
        for part in _CLAUSES.split(sentence)
    )
