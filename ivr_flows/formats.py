"""How a value is written in a prompt: money, numbers, times, dates, digits, lists; pure.

The result is for a reader ("₹1,250.50", "7:30 PM"); whoever speaks it turns it into words. Only
digits are taken apart here, because only the flow knows that a number is read one by one. What a
format can't make sense of comes back as it was: a call goes on with a clumsy text.
"""

import re
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import cast

_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "hi": "जनवरी फ़रवरी मार्च अप्रैल मई जून जुलाई अगस्त सितंबर अक्टूबर नवंबर दिसंबर",
    "mr": "जानेवारी फेब्रुवारी मार्च एप्रिल मे जून जुलै ऑगस्ट सप्टेंबर ऑक्टोबर नोव्हेंबर डिसेंबर",
}
LONGEST_RUN, RUN = 6, 5  # digits said in one breath; a telephone number is said as five and five
_AND = {"en": "and", "hi": "और", "mr": "आणि"}


def _decimal(value: object) -> Decimal | None:
    text = str(value).replace(",", "").strip()
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < Decimal(10) ** 15 else None


def grouped(whole: int) -> str:
    """1234567 -> "12,34,567": thousands, then lakh and crore, as India writes them."""
    head, tail = str(abs(whole))[:-3], str(abs(whole))[-3:]
    if head:
        tail = re.sub(r"(?<=\d)(?=(\d\d)+$)", ",", head) + "," + tail
    return "-" + tail if whole < 0 else tail


def number(value: object) -> str:
    """1250.5 -> "1,250.5"."""
    found = _decimal(value)
    if found is None:
        return str(value)
    sign = "-" if found < 0 else ""
    whole = int(abs(found))
    rest = format(abs(found) - whole, "f").rstrip("0")[2:]
    return sign + grouped(whole) + ("." + rest if rest else "")


def money(value: object, symbol: str = "₹") -> str:
    """1250.5 -> "₹1,250.50", 450 -> "₹450"."""
    found = _decimal(value)
    if found is None:
        return str(value)
    cents = int(abs(found).quantize(Decimal("0.01")) * 100)
    text = symbol + grouped(cents // 100) + (f".{cents % 100:02}" if cents % 100 else "")
    return "-" + text if found < 0 and cents else text


def digits(value: object) -> str:
    """ "A-4522" -> "A 4 5 2 2": one by one, signs left out, long ones with pauses."""
    signs = [sign.upper() for sign in str(value) if sign.isalnum()]
    size = len(signs) if len(signs) <= LONGEST_RUN else RUN
    return ", ".join(" ".join(signs[at : at + size]) for at in range(0, len(signs), size or 1))


def clock_time(value: object) -> str:
    """ "19:30" or an ISO date and time -> "7:30 PM"."""
    text = str(value).strip()
    try:
        found = time.fromisoformat(text) if len(text) < 9 else datetime.fromisoformat(text).time()
    except ValueError:
        return text
    return f"{found.hour % 12 or 12}:{found.minute:02} {'AM' if found.hour < 12 else 'PM'}"


def calendar_date(value: object, language: str) -> str:
    """ "2025-03-14" -> "14 March 2025"."""
    text = str(value).strip()
    try:
        found = date.fromisoformat(text[:10])
    except ValueError:
        return text
    month = _MONTHS.get(language, _MONTHS["en"]).split()[found.month - 1]
    return f"{found.day} {month} {found.year}"


def listed(value: object, language: str) -> str:
    """("2 naan", "1 dal", "1 lassi") -> "2 naan, 1 dal and 1 lassi"."""
    if not isinstance(value, tuple | list):
        return "" if value is None else str(value)
    items = [str(item) for item in cast("tuple[object, ...]", value)]
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {_AND.get(language, _AND['en'])} {items[-1]}"
