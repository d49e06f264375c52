"""Marathi.

The names of 0..99 are all irregular and stand here, because no published library has them
right: num2words 0.5.14 has no Marathi; indic-num2words 1.3.2 says सहावीस for 26, सह्यांशी for 86,
"एक शे" in two words, and spells digits from 10**9 on; indic-numtowords 1.1.0 says चौपन्न for 54,
शाहत्तर for 76, the Hindi हज़ार, and raises TypeError from 10**9 on. ऱ is U+0931, as the Marathi
keyboard types it (चौऱ्याहत्तर).
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
    शून्य एक दोन तीन चार पाच सहा सात आठ नऊ
    दहा अकरा बारा तेरा चौदा पंधरा सोळा सतरा अठरा एकोणीस
    वीस एकवीस बावीस तेवीस चोवीस पंचवीस सव्वीस सत्तावीस अठ्ठावीस एकोणतीस
    तीस एकतीस बत्तीस तेहतीस चौतीस पस्तीस छत्तीस सदतीस अडतीस एकोणचाळीस
    चाळीस एक्केचाळीस बेचाळीस त्रेचाळीस चव्वेचाळीस पंचेचाळीस सेहेचाळीस सत्तेचाळीस अठ्ठेचाळीस एकोणपन्नास
    पन्नास एक्कावन्न बावन्न त्रेपन्न चोपन्न पंचावन्न छप्पन्न सत्तावन्न अठ्ठावन्न एकोणसाठ
    साठ एकसष्ट बासष्ट त्रेसष्ट चौसष्ट पासष्ट सहासष्ट सदुसष्ट अडुसष्ट एकोणसत्तर
    सत्तर एक्काहत्तर बाहत्तर त्र्याहत्तर चौऱ्याहत्तर पंच्याहत्तर शहात्तर सत्त्याहत्तर अठ्ठ्याहत्तर एकोणऐंशी
    ऐंशी एक्क्याऐंशी ब्याऐंशी त्र्याऐंशी चौऱ्याऐंशी पंच्याऐंशी शहाऐंशी सत्त्याऐंशी अठ्ठ्याऐंशी एकोणनव्वद
    नव्वद एक्क्याण्णव ब्याण्णव त्र्याण्णव चौऱ्याण्णव पंच्याण्णव शहाण्णव सत्त्याण्णव अठ्ठ्याण्णव नव्व्याण्णव
    """
)

_SCALE = ((10**7, "कोटी"), (10**5, "लाख"), (10**3, "हजार"))


def _cardinal(value: int) -> str:
    spoken: list[str] = []
    for size, name in _SCALE:
        count, value = divmod(value, size)
        if count:
            spoken.append(f"{_cardinal(count)} {name}")
    hundreds, rest = divmod(value, 100)
    if hundreds:
        # A hundred alone has its own name; with a rest it counts like the others.
        spoken.append("शंभर" if hundreds == 1 and not rest else f"{BELOW_HUNDRED[hundreds]}शे")
    if rest or not spoken:
        spoken.append(BELOW_HUNDRED[rest])
    return " ".join(spoken)


# The stem takes the ending's vowel: पहिला, पहिली, पहिले; the oblique (पहिल्या) comes written.
_ORDINAL_STEMS = {1: "पहिल", 2: "दुसर", 3: "तिसर", 4: "चौथ"}
_OBLIQUE = {1: "पहिल्या", 2: "दुसऱ्या", 3: "तिसऱ्या", 4: "चौथ्या"}


def _ordinal(value: int, ending: str) -> str:
    oblique = ending.endswith("्या")
    vowel = "्या" if oblique else next((sign for sign in "ीे" if sign in ending), "ा")
    if value in _ORDINAL_STEMS:
        return _OBLIQUE[value] if oblique else _ORDINAL_STEMS[value] + vowel
    if value < 11:
        return f"{'नव' if value == 9 else BELOW_HUNDRED[value]}व{vowel}"
    spoken = _cardinal(value)
    if spoken.endswith("ीस"):  # वीस, तीस, चाळीस: the long vowel shortens
        return f"{spoken[:-2]}िसाव{vowel}"
    ends_in_consonant = "क" <= spoken[-1] <= "ह"
    return f"{spoken}{'ा' if ends_in_consonant else ''}व{vowel}"


def _year(value: int) -> str:
    century, rest = divmod(value, 100)
    if 11 <= century <= 19:
        tail = f" {_cardinal(rest)}" if rest else ""
        return f"{_cardinal(century)}शे{tail}"
    return _cardinal(value)


def _and_a_half(whole: int) -> str | None:
    special = {0: "अर्धा", 1: "दीड", 2: "अडीच"}
    return special.get(whole) or f"साडे{_cardinal(whole)}"


_DAY_PARTS = (
    *((20, "रात्री"), (16, "संध्याकाळी"), (12, "दुपारी"), (6, "सकाळी"), (4, "पहाटे"), (0, "रात्री")),
)


def _clock(hour: int, minute: int, with_day_part: bool, word: str) -> str:
    shown = hour % 12 or 12
    if minute == 30:
        spoken = "दीड" if shown == 1 else "अडीच" if shown == 2 else f"साडे{_cardinal(shown)}"
    elif minute == 15:
        spoken = "सव्वा एक" if shown == 1 else f"सव्वा{_cardinal(shown)}"
    elif minute == 45:
        spoken = "पाऊण" if shown == 12 else f"पावणे{_cardinal(shown + 1)}"
    else:
        spoken = _cardinal(shown)
    if minute % 15:
        case = "ांपर्यंत" if word.startswith("वाजेप") else "ांनी"
        noun = "मिनिट" + case
        spoken += f" वाजून {_cardinal(minute)} {noun}"
    else:
        spoken += f" {word or 'वाजता'}"
    if with_day_part:
        return f"{next(part for start, part in _DAY_PARTS if hour >= start)} {spoken}"
    return spoken


def _mixed(whole: int, quarters: int) -> str:
    if quarters == 2:
        return _and_a_half(whole) or _cardinal(whole)
    if quarters == 1:
        return "सव्वा" if whole == 1 else f"सव्वा{_cardinal(whole)}"
    return f"पावणे{_cardinal(whole + 1)}"


def _is_one(written: str) -> bool:
    """Half, one and one and a half are singular: दीड मिनिट, but अडीच मिनिटे."""
    return written in ("1", "0.5", "1.5")


_FREE = r"(?<![A-Za-z]){}(?:\.|(?![A-Za-z]))"
_TITLE = r"(?<![A-Za-z]){}(?:\.(?=\s)|(?=\s+[A-Z]))"
_NATIVE = r"(?<![\u0900-\u097F]){}"

VOCABULARY = Vocabulary(
    code="mr",
    digits=BELOW_HUNDRED[:10],
    letters=letters(
        "ए बी सी डी ई एफ जी एच आय जे के एल एम",
        "एन ओ पी क्यू आर एस टी यू व्ही डब्ल्यू एक्स वाय झेड",
    ),
    cardinal=_cardinal,
    ordinal=_ordinal,
    year=_year,
    day=_cardinal,
    months=names("जानेवारी फेब्रुवारी मार्च एप्रिल मे जून जुलै ऑगस्ट सप्टेंबर ऑक्टोबर नोव्हेंबर डिसेंबर"),
    clock=Clock(_clock),
    and_a_half=_and_a_half,
    mixed=_mixed,
    is_one=_is_one,
    point="दशांश",
    minus="उणे",
    plus="प्लस",
    star="स्टार",
    hash_key="हॅश",
    range_word="ते",
    fraction_word="छेद",
    fractions={"1/2": "अर्धा", "1/4": "पाव", "3/4": "पाऊण"},
    number_sign="नंबर",
    per="प्रति",
    percent=Counted("टक्का", "टक्के"),
    degrees=Counted("अंश सेल्सिअस", "अंश सेल्सिअस"),
    around_the_clock="चोवीस तास",
    currencies={
        "INR": Currency(Counted("रुपया", "रुपये"), Counted("पैसा", "पैसे")),
        "USD": Currency(Counted("डॉलर", "डॉलर"), Counted("सेंट", "सेंट")),
        "EUR": Currency(Counted("युरो", "युरो"), Counted("सेंट", "सेंट")),
        "GBP": Currency(Counted("पाउंड", "पाउंड"), Counted("पेन्स", "पेन्स")),
    },
    joins_hundredths=" ",
    magnitudes={
        "thousand": "हजार",
        "lakh": "लाख",
        "crore": "कोटी",
        "million": "मिलियन",
        "billion": "अब्ज",
    },
    units={
        "minute": Counted("मिनिट", "मिनिटे"),
        "hour": Counted("तास", "तास"),
        "second": Counted("सेकंद", "सेकंद"),
        "kilometre": Counted("किलोमीटर", "किलोमीटर"),
        "metre": Counted("मीटर", "मीटर"),
        "centimetre": Counted("सेंटीमीटर", "सेंटीमीटर"),
        "millimetre": Counted("मिलीमीटर", "मिलीमीटर"),
        "kilogram": Counted("किलो", "किलो"),
        "gram": Counted("ग्रॅम", "ग्रॅम"),
        "milligram": Counted("मिलीग्रॅम", "मिलीग्रॅम"),
        "litre": Counted("लिटर", "लिटर"),
        "millilitre": Counted("मिलीलिटर", "मिलीलिटर"),
        "piece": Counted("नग", "नग"),
        "kmph": Counted("किलोमीटर प्रति तास", "किलोमीटर प्रति तास"),
        "gigabyte": Counted("जीबी", "जीबी"),
        "megabyte": Counted("एमबी", "एमबी"),
    },
    abbreviations=(
        (_NATIVE.format(r"प्रा\.\s?लि\."), "प्रायव्हेट लिमिटेड"),
        (_NATIVE.format(r"डॉ\."), "डॉक्टर"),
        (_NATIVE.format(r"प्रा\."), "प्राध्यापक"),
        (_NATIVE.format(r"नं\.(?=\s?[0-9#])"), "नंबर"),
        (_NATIVE.format(r"क्र\.(?=\s?[0-9#])"), "क्रमांक"),
        (_NATIVE.format(r"श्री\."), "श्री"),
        (_NATIVE.format(r"सौ\."), "सौभाग्यवती"),
        (_NATIVE.format(r"लि\."), "लिमिटेड"),
        (_NATIVE.format(r"जि\."), "जिल्हा"),
        (_NATIVE.format(r"ता\.(?=\s?[0-9])"), "तारीख"),
        (_NATIVE.format(r"ता\."), "तालुका"),
        (_TITLE.format("Dr"), "डॉक्टर"),
        (_TITLE.format("Mr"), "मिस्टर"),
        (_TITLE.format("Mrs"), "मिसेस"),
        (_TITLE.format("Ms"), "मिस"),
        (_TITLE.format("Prof"), "प्रोफेसर"),
        (r"(?<![A-Za-z])(?:[Nn]o|NO)\.(?=\s?[0-9#])", "नंबर"),
        (_FREE.format("Pvt"), "प्रायव्हेट"),
        (_FREE.format("Ltd"), "लिमिटेड"),
        (_FREE.format("[Aa]pprox"), "अंदाजे"),
        (_FREE.format("[Ee]tc"), "इत्यादी"),
        (_FREE.format("vs"), "विरुद्ध"),
        (r"(?<![A-Za-z])OTP(?![A-Za-z])", "ओटीपी"),
        (r"(?<![A-Za-z])COD(?![A-Za-z])", "कॅश ऑन डिलिव्हरी"),
        (r"(?<![A-Za-z])UPI(?![A-Za-z])", "यूपीआय"),
        (r"(?<![A-Za-z])SMS(?![A-Za-z])", "एसएमएस"),
        (r"(?<![A-Za-z])GST(?![A-Za-z])", "जीएसटी"),
        (r"(?<![A-Za-z])ID(?![A-Za-z])", "आयडी"),
        (r"(?<=\s)&(?=\s)", "आणि"),
    ),
)
