"""What amounts, times and dates look like in a text, in all three languages at once.

Every pattern is bounded (no repetition inside a repetition that could match the same text twice),
so a text costs time in proportion to its length. `[0-9]`, not `\\d`: Devanagari digits have been
translated before. Letters are named by range, as `\\b` and `\\w` stop at Devanagari vowel signs.
"""

import re

LETTER = r"A-Za-z\u0900-\u0963\u0970-\u097F"
NOT_AFTER_WORD = rf"(?<![{LETTER}0-9])"
NOT_BEFORE_LETTER = rf"(?![{LETTER}])"

AMOUNT = (
    r"(?:(?:[0-9]{1,3}(?:,[0-9]{2,3}){0,6},[0-9]{3}(?!,?[0-9])|[0-9]{1,15}(?![0-9]))"
    r"(?:\.[0-9]{1,20}(?!\.?[0-9]))?)"
)
"""1250, 1,250.50, 12,50,000: never part of a longer run of digits."""

RANGE_DASH = r"(?:-|\s?[\u2013\u2014]\s?)"
RANGED = rf"({AMOUNT})(?:{RANGE_DASH}({AMOUNT}))?"
"""An amount, or from one to another: groups 1 and 2 of what it stands in."""

SIGN = rf"(?:(?<![{LETTER}0-9)\]])([-\u2212+]))?"
NOT_INSIDE_NUMBER = rf"(?<![{LETTER}0-9])(?<![0-9][.,/])"

MAGNITUDES = {
    "thousand": "k|K|thousand|हज\u093cार|ह\u095bार|हजार",
    "lakh": "lakhs?|Lakhs?|lacs?|लाख",
    "crore": r"crores?|Crores?|[Cc]r\.?|करोड\u093c|करो\u095c|करोड|कोटी",
    "million": "million|mn",
    "billion": "billion|bn|अरब|अब्ज",
}
"""Key of `Vocabulary.magnitudes` -> what is written for it. The nukta comes in two encodings."""

UNITS = {
    "minute": r"mins?|मि\.",
    "hour": "hrs?",
    "second": "secs?",
    "kmph": "kmph|kph|km/hr?",
    "kilometre": r"kms?|Kms?|KM|किमी|कि\.\s?मी\.",
    "centimetre": "cm",
    "millimetre": "mm",
    "metre": r"mtrs?|m|मी\.",
    "kilogram": r"kgs?|Kgs?|KG|किग्रा|कि\.\s?ग्रा\.",
    "milligram": "mg",
    "gram": r"gms?|g|ग्रा\.",
    "millilitre": "ml|ML|mL",
    "litre": "ltrs?|L|l",
    "piece": "pcs?",
    "gigabyte": "GB|gb",
    "megabyte": "MB|mb",
}
"""Key of `Vocabulary.units` -> its abbreviations, after a number."""

NATIVE_NOUNS = (
    "मिनट|मिनिट|घंट|तास|सेकंद|सेकंड|"
    "किलो|ग्राम|ग्रॅम|लीटर|लिटर|रुप|प्रतिशत|टक्क|गुना|पट|"
    "लाख|करोड|करो\u095c|कोटी|हज\u093cार|ह\u095bार|हजार"
)
NOUNS = f"minute|hour|second|kilo|gram|lit|rupee|percent|lakh|crore|{NATIVE_NOUNS}"
"""How the nouns begin that a number counts; their own ending stays: "1.5 घंटे में"."""

MONTHS = (
    "january|jan|जनवरी|जानेवारी",
    "february|feb|फरवरी|फ\u093cरवरी|\u095eरवरी|फेब्रुवारी",
    "march|mar|मार्च",
    "april|apr|अप्रैल|एप्रिल",
    "may|मई|मे",
    "june|jun|जून",
    "july|jul|जुलाई|जुलै",
    "august|aug|अगस्त|ऑगस्ट",
    "september|sept|sep|सितंबर|सितम्बर|सप्टेंबर",
    "october|oct|अक्टूबर|अक्तूबर|ऑक्टोबर",
    "november|nov|नवंबर|नवम्बर|नोव्हेंबर",
    "december|dec|दिसंबर|दिसम्बर|डिसेंबर",
)

DAY_PART = "सुबह|दोपहर|शाम|रात|पहाटे|सकाळी|दुपारी|संध्याकाळी|सायंकाळी|रात्री"
O_CLOCK = r"बजे|वाजेपर्यंत|वाजल्यापासून|वाजता|वाजले|वाजायला"

CURRENCIES = {
    "INR": r"₹|[Rr]s\.?|RS\.?|INR|रु\.?|रू\.?|रुपये|रुपए",
    "USD": r"US\$|\$|USD",
    "EUR": "€|EUR",
    "GBP": "£|GBP",
}
"""ISO 4217 code -> what is written for it, before or after an amount."""

ORDINAL_ENDING = (
    "st|nd|rd|th|ST|ND|RD|TH|"
    "वां|वाँ|वीं|वें|वा|वी|वे|व्या|ला|ली|ले|ल्या|"
    "रा|री|रे|\u0931्या|र्\u200dया|र्या|था|थी|थे|थ्या|ठा|ठी|ठे"
)


def alternatives(table: dict[str, str]) -> str:
    """One group that matches anything written for any key of `table`."""
    return "(?:" + "|".join(table.values()) + ")"


def key_of(table: dict[str, str], written: str) -> str | None:
    """The key of `table` that `written` stands for, or None."""
    return next((key for key, forms in table.items() if re.fullmatch(forms, written)), None)
