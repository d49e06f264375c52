"""Hindi.

The names of 0..99 are all irregular and stand here, because no published library has them
right: num2words 0.5.14 has no Hindi; indic-num2words 1.3.2 writes अड़्तिस, पच्हत्तर, सर्सठ
(read wrongly by espeak-ng) and spells digits from 10**9 on; indic-numtowords 1.1.0 says
चौंतालीस for 44 and raises TypeError from 10**9 on. The spelling is the Central Hindi
Directorate's where people say it so (चवालीस, तिरपन, सड़सठ), with the common doubled forms of the
rest (अट्ठावन, सत्तासी, उन्यासी).
"""

from speech.speakable.vocabulary import (
    Clock,
    Counted,
    Currency,
    Vocabulary,
    letters,
    names,
)

BELOW_HUNDRED = names(
    """
    शून्य एक दो तीन चार पांच छह सात आठ नौ
    दस ग्यारह बारह तेरह चौदह पंद्रह सोलह सत्रह अठारह उन्नीस
    बीस इक्कीस बाईस तेईस चौबीस पच्चीस छब्बीस सत्ताईस अट्ठाईस उनतीस
    तीस इकतीस बत्तीस तैंतीस चौंतीस पैंतीस छत्तीस सैंतीस अड़तीस उनतालीस
    चालीस इकतालीस बयालीस तैंतालीस चवालीस पैंतालीस छियालीस सैंतालीस अड़तालीस उनचास
    पचास इक्यावन बावन तिरपन चौवन पचपन छप्पन सत्तावन अट्ठावन उनसठ
    साठ इकसठ बासठ तिरसठ चौंसठ पैंसठ छियासठ सड़सठ अड़सठ उनहत्तर
    सत्तर इकहत्तर बहत्तर तिहत्तर चौहत्तर पचहत्तर छिहत्तर सतहत्तर अठहत्तर उन्यासी
    अस्सी इक्यासी बयासी तिरासी चौरासी पचासी छियासी सत्तासी अट्ठासी नवासी
    नब्बे इक्यानवे बानवे तिरानवे चौरानवे पचानवे छियानवे सत्तानवे अट्ठानवे निन्यानवे
    """
)

_SCALE = ((10**7, "करोड़"), (10**5, "लाख"), (10**3, "हज़ार"), (10**2, "सौ"))


def _cardinal(value: int) -> str:
    spoken: list[str] = []
    for size, name in _SCALE:
        count, value = divmod(value, size)
        if count:
            spoken.append(f"{_cardinal(count)} {name}")
    if value or not spoken:
        spoken.append(BELOW_HUNDRED[value])
    return " ".join(spoken)


# The stem takes the ending's vowel: पहला, पहली, पहले.
_ORDINAL_STEMS = {1: "पहल", 2: "दूसर", 3: "तीसर", 4: "चौथ", 6: "छठ"}


def _ordinal(value: int, ending: str) -> str:
    vowel = next((sign for sign in "ीे" if sign in ending), "ा")
    if value in _ORDINAL_STEMS:
        return _ORDINAL_STEMS[value] + vowel
    return f"{_cardinal(value)}व{vowel}ं"


def _year(value: int) -> str:
    century, rest = divmod(value, 100)
    if 11 <= century <= 19:
        tail = f" {_cardinal(rest)}" if rest else ""
        return f"{_cardinal(century)} सौ{tail}"
    return _cardinal(value)


def _and_a_half(whole: int) -> str | None:
    special = {0: "आधा", 1: "डेढ़", 2: "ढाई"}
    return special.get(whole) or f"साढ़े {_cardinal(whole)}"


_DAY_PARTS = ((20, "रात"), (16, "शाम"), (12, "दोपहर"), (4, "सुबह"), (0, "रात"))


def _clock(hour: int, minute: int, with_day_part: bool, word: str) -> str:
    shown = hour % 12 or 12
    if minute == 30:
        spoken = "डेढ़" if shown == 1 else "ढाई" if shown == 2 else f"साढ़े {_cardinal(shown)}"
    elif minute == 15:
        spoken = f"सवा {_cardinal(shown)}"
    elif minute == 45:
        spoken = f"पौने {_cardinal(shown % 12 + 1)}"
    else:
        spoken = _cardinal(shown)
    if minute % 15:
        spoken += f" बजकर {_cardinal(minute)} मिनट"
    else:
        spoken += f" {word or 'बजे'}"
    if with_day_part:
        return f"{next(part for start, part in _DAY_PARTS if hour >= start)} {spoken}"
    return spoken


def _mixed(whole: int, quarters: int) -> str:
    if quarters == 2:
        return _and_a_half(whole) or _cardinal(whole)
    if quarters == 1:
        return "सवा" if whole == 1 else f"सवा {_cardinal(whole)}"
    return f"पौने {_cardinal(whole + 1)}"


def _is_one(written: str) -> bool:
    """Half a kilo, one and one and a half are singular: डेढ़ घंटा, but ढाई घंटे."""
    return written in ("1", "0.5", "1.5")


_FREE = r"(?<![A-Za-z]){}(?:\.|(?![A-Za-z]))"
_TITLE = r"(?<![A-Za-z]){}(?:\.(?=\s)|(?=\s+[A-Z]))"
_NATIVE = r"(?<![\u0900-\u097F]){}"

VOCABULARY = Vocabulary(
    code="hi",
    digits=BELOW_HUNDRED[:10],
    letters=letters(
        "ए बी सी डी ई एफ जी एच आई जे के एल एम",
        "एन ओ पी क्यू आर एस टी यू वी डब्ल्यू एक्स वाई ज़ेड",
    ),
    cardinal=_cardinal,
    ordinal=_ordinal,
    year=_year,
    day=_cardinal,
    months=names("जनवरी फरवरी मार्च अप्रैल मई जून जुलाई अगस्त सितंबर अक्टूबर नवंबर दिसंबर"),
    clock=Clock(_clock),
    and_a_half=_and_a_half,
    mixed=_mixed,
    is_one=_is_one,
    point="दशमलव",
    minus="माइनस",
    plus="प्लस",
    star="स्टार",
    hash_key="हैश",
    range_word="से",
    fraction_word="बटा",
    fractions={"1/2": "आधा", "1/4": "एक चौथाई", "3/4": "तीन चौथाई"},
    number_sign="नंबर",
    per="प्रति",
    percent=Counted("प्रतिशत", "प्रतिशत"),
    degrees=Counted("डिग्री सेल्सियस", "डिग्री सेल्सियस"),
    around_the_clock="चौबीसों घंटे",
    currencies={
        "INR": Currency(Counted("रुपया", "रुपये"), Counted("पैसा", "पैसे")),
        "USD": Currency(Counted("डॉलर", "डॉलर"), Counted("सेंट", "सेंट")),
        "EUR": Currency(Counted("यूरो", "यूरो"), Counted("सेंट", "सेंट")),
        "GBP": Currency(Counted("पाउंड", "पाउंड"), Counted("पेंस", "पेंस")),
    },
    joins_hundredths=" ",
    magnitudes={
        "thousand": "हज़ार",
        "lakh": "लाख",
        "crore": "करोड़",
        "million": "मिलियन",
        "billion": "अरब",
    },
    units={
        "minute": Counted("मिनट", "मिनट"),
        "hour": Counted("घंटा", "घंटे"),
        "second": Counted("सेकंड", "सेकंड"),
        "kilometre": Counted("किलोमीटर", "किलोमीटर"),
        "metre": Counted("मीटर", "मीटर"),
        "centimetre": Counted("सेंटीमीटर", "सेंटीमीटर"),
        "millimetre": Counted("मिलीमीटर", "मिलीमीटर"),
        "kilogram": Counted("किलो", "किलो"),
        "gram": Counted("ग्राम", "ग्राम"),
        "milligram": Counted("मिलीग्राम", "मिलीग्राम"),
        "litre": Counted("लीटर", "लीटर"),
        "millilitre": Counted("मिलीलीटर", "मिलीलीटर"),
        "piece": Counted("पीस", "पीस"),
        "kmph": Counted("किलोमीटर प्रति घंटा", "किलोमीटर प्रति घंटा"),
        "gigabyte": Counted("जीबी", "जीबी"),
        "megabyte": Counted("एमबी", "एमबी"),
    },
    abbreviations=(
        (_NATIVE.format(r"प्रा\.\s?लि\."), "प्राइवेट लिमिटेड"),
        (_NATIVE.format(r"डॉ\."), "डॉक्टर"),
        (_NATIVE.format(r"प्रो\."), "प्रोफ़ेसर"),
        (_NATIVE.format(r"नं\.(?=\s?[0-9#])"), "नंबर"),
        (_NATIVE.format(r"क्र\.(?:\s?सं\.)?(?=\s?[0-9#])"), "क्रमांक"),
        (_NATIVE.format(r"लि\."), "लिमिटेड"),
        (_NATIVE.format(r"कृ\."), "कृपया"),
        (_TITLE.format("Dr"), "डॉक्टर"),
        (_TITLE.format("Mr"), "मिस्टर"),
        (_TITLE.format("Mrs"), "मिसेज़"),
        (_TITLE.format("Ms"), "मिस"),
        (_TITLE.format("Prof"), "प्रोफ़ेसर"),
        (r"(?<![A-Za-z])(?:[Nn]o|NO)\.(?=\s?[0-9#])", "नंबर"),
        (_FREE.format("Pvt"), "प्राइवेट"),
        (_FREE.format("Ltd"), "लिमिटेड"),
        (_FREE.format("[Aa]pprox"), "लगभग"),
        (_FREE.format("[Ee]tc"), "वगैरह"),
        (_FREE.format("vs"), "बनाम"),
        (r"(?<![A-Za-z])OTP(?![A-Za-z])", "ओटीपी"),
        (r"(?<![A-Za-z])COD(?![A-Za-z])", "कैश ऑन डिलीवरी"),
        (r"(?<![A-Za-z])UPI(?![A-Za-z])", "यूपीआई"),
        (r"(?<![A-Za-z])SMS(?![A-Za-z])", "एसएमएस"),
        (r"(?<![A-Za-z])GST(?![A-Za-z])", "जीएसटी"),
        (r"(?<![A-Za-z])ID(?![A-Za-z])", "आईडी"),
        (r"(?<=\s)&(?=\s)", "और"),
    ),
)
