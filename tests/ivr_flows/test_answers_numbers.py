"""Numbers, durations and digits in what was said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from num2words import num2words

from ivr_flows.answers import digits_in, holds_denial, minutes_in, number_in
from ivr_flows.wording.number_words import HINDI, HINDI_LATIN, MARATHI, MARATHI_LATIN

INDIAN = {"hi": HINDI, "mr": MARATHI}
# Words of daily use that are a number only before a unit or among other numbers.
PARTICLES = {"chai", "chay", "naw", "tera"}


@pytest.mark.parametrize("language", ["en", "hi", "mr"])
def test_every_english_number_below_1000_is_understood_in_every_call(language: str):
    for number in range(1000):
        assert number_in(num2words(number), language) == number


@pytest.mark.parametrize("language", ["hi", "mr"])
def test_every_number_below_100_has_its_own_name_in_devanagari(language: str):
    for number, spellings in enumerate(INDIAN[language].split()):
        for spelling in spellings.split("/"):
            assert number_in(spelling, language) == number, spelling
            assert number_in(f"{spelling} मिनट", "en") == number, spelling


@pytest.mark.parametrize(("language", "table"), [("hi", HINDI_LATIN), ("mr", MARATHI_LATIN)])
def test_every_number_below_100_is_understood_in_latin_letters(
    language: str, table: dict[int, str]
):
    for number, spellings in table.items():
        for spelling in spellings.split():
            assert number_in(f"{spelling} minute", language) == number, spelling
            if spelling not in PARTICLES:
                assert number_in(spelling, language) == number, spelling


@pytest.mark.parametrize("language", ["hi", "mr"])
def test_every_number_below_1000_is_understood_in_devanagari(language: str):
    names = [each.split("/")[0] for each in INDIAN[language].split()]
    for number in range(100, 1000):
        hundreds, rest = divmod(number, 100)
        hundred = "सौ" if language == "hi" else "शे"
        joint = " " if language == "hi" else ""
        said = f"{names[hundreds]}{joint}{hundred} {names[rest] if rest else ''}"
        assert number_in(said, language) == number, said


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("25", "en", 25),
        ("25.", "en", 25),
        ("२५", "hi", 25),
        ("1,250", "en", 1250),
        ("1,25,000", "hi", 125000),
        ("two hundred", "en", 200),
        ("a hundred and five", "en", 105),
        ("one thousand two hundred fifty", "en", 1250),
        ("twenny five", "en", 25),
        ("thirty fife", "en", 35),
        ("twentyfive", "en", 25),
        ("thirty-five", "en", 35),
        ("twenty for", "en", 24),
        ("for", "en", 4),
        ("to", "en", 2),
        ("um, ate", "en", 8),
        ("you five", "en", 5),
        ("twenty no thirty", "en", 30),
        ("do", "hi", 2),
        ("don", "mr", 2),
        ("bees", "en", 20),
        ("pachees", "hi", 25),
        ("pannas", "mr", 50),
        ("do sau pachees", "hi", 225),
        ("dedh sau", "hi", 150),
        ("sadhe teen sau", "hi", 350),
        ("शंभर", "mr", 100),
        ("don she vis", "mr", 220),
        ("दो हज़ार पाँच सौ", "hi", 2500),
        ("paintaalees", "hi", 45),
        ("panchaavis", "mr", 25),
        ("", "en", None),
        ("you", "en", None),
        ("thank you", "en", None),
        ("do you want to go", "en", None),
        ("I have to go for a walk", "en", None),
        ("she said so", "en", None),
        ("have some tea, chai", "hi", None),
        ("mera tera", "hi", None),
        ("to main kya karun", "hi", None),
        ("haan theek hai", "hi", None),
        ("नहीं चाहिए", "hi", None),
        ("half", "en", None),
        ("9" * 400, "en", None),
    ],
)
def test_numbers(text: str, language: str, expected: int | None):
    assert number_in(text, language) == expected


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("twenty five minutes", "en", 25),
        ("bees minute", "en", 20),
        ("पच्चीस", "hi", 25),
        ("25", "en", 25),
        ("25 minutes.", "en", 25),
        ("25min", "en", 25),
        ("um about twenty minutes I think", "en", 20),
        ("for twenty minutes", "en", 20),
        ("for minutes", "en", 4),
        ("to minutes", "en", 2),
        ("twenty for minutes", "en", 24),
        ("half an hour", "en", 30),
        ("half hour", "en", 30),
        ("in half an hour", "en", 30),
        ("quarter of an hour", "en", 15),
        ("a quarter hour", "en", 15),
        ("three quarters of an hour", "en", 45),
        ("an hour", "en", 60),
        ("one hour", "en", 60),
        ("an hour and a half", "en", 90),
        ("one and a half hours", "en", 90),
        ("two and a half hours", "en", 150),
        ("1.5 hours", "en", 90),
        ("an hour and twenty minutes", "en", 80),
        ("1 hour 20 minutes", "en", 80),
        ("twenty to twenty five", "en", 25),
        ("twenty to twenty five minutes", "en", 25),
        ("15-20 minutes", "en", 20),
        ("ten fifteen minutes", "en", 15),
        ("half an hour to forty five minutes", "en", 45),
        ("one to two hours", "en", 120),
        ("twenty minutes no thirty", "en", 30),
        ("within 20 minutes, I am 2 km away", "en", 20),
        ("a minute", "en", 1),
        ("just a minute", "en", None),
        ("thirty seconds", "en", 1),
        ("one hundred and twenty minutes", "en", 120),
        ("two hundred minutes", "en", 200),
        ("aadha ghanta", "hi", 30),
        ("adhe ghante mein", "hi", 30),
        ("pauna ghanta", "hi", 45),
        ("ek ghanta", "hi", 60),
        ("sava ghanta", "hi", 75),
        ("dedh ghanta", "hi", 90),
        ("dedh", "hi", 90),
        ("paune do ghante", "hi", 105),
        ("sava do ghante", "hi", 135),
        ("dhai ghante", "hi", 150),
        ("saadhe teen ghante", "hi", 210),
        ("ek ghanta bees minute", "hi", 80),
        ("bees se pachees minute", "hi", 25),
        ("chaar paanch minute", "hi", 5),
        ("do minute", "en", 2),
        ("आधा घंटा", "hi", 30),
        ("पौन घंटा", "hi", 45),
        ("डेढ़ घंटा", "hi", 90),
        ("ढाई घंटे", "hi", 150),
        ("साढ़े तीन घंटे", "hi", 210),
        ("पंद्रह मिनट", "hi", 15),
        ("२० मिनट में", "hi", 20),
        ("ek tas", "mr", 60),
        ("pona taas", "mr", 45),
        ("ardha taas", "mr", 30),
        ("did taas", "mr", 90),
        ("don taas", "mr", 120),
        ("vees minit", "mr", 20),
        ("अर्ध्या तासात", "mr", 30),
        ("पाऊण तास", "mr", 45),
        ("सव्वा तास", "mr", 75),
        ("दीड तास", "mr", 90),
        ("अडीच तास", "mr", 150),
        ("वीस ते पंचवीस मिनिटं", "mr", 25),
        ("पंचवीस मिनिटांत", "mr", 25),
        ("तासाभरात", "mr", 60),
        ("", "en", None),
        ("you", "en", None),
        ("thank you", "en", None),
        ("soon", "en", None),
        ("minutes", "en", None),
        ("one hour thirty", "en", 90),
        ("one hour ten", "en", 70),
        ("one hour and ten", "en", 70),
        ("one hour five", "en", 65),
        ("an hour and twenty", "en", 80),
        ("one hour 2 km away", "en", 60),
        ("one twenty", "en", None),
        ("one twenty minutes", "en", None),
        ("1:30", "en", None),
        ("one eighty", "en", None),
        ("7 pm", "en", None),
        ("at seven thirty", "en", None),
        ("ready by 5", "en", None),
        ("saat baje", "hi", None),
        ("by twenty minutes", "en", 20),
        ("at most 20", "en", 20),
        ("20.5", "en", 21),
        ("1.5", "en", 90),
        ("एक घंटा बीस", "hi", 80),
        ("ek ghanta do", "hi", 60),
        ("ek bees minute", "hi", 20),
        ("पौने घंटे", "hi", 45),
        ("पौने दो घंटे", "hi", 105),
        ("साडेतीन तास", "mr", 210),
        ("साडेचार तास", "mr", 270),
        ("सव्वादोन तास", "mr", 135),
        ("पावणेदोन तास", "mr", 105),
        ("sadetin taas", "mr", 210),
    ],
)
def test_durations(text: str, language: str, expected: int | None):
    assert minutes_in(text, language) == expected


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("can't do twenty", "en", None),
        ("don t do twenty", "en", None),
        ("not thirty", "en", None),
        ("twenty is not possible", "en", None),
        ("thirty not twenty", "en", 30),
        ("twenty no thirty", "en", 30),
        ("I can't do it in twenty, thirty", "en", 30),
        ("no thirty", "en", 30),
        ("not more than twenty", "en", 20),
        ("twenty minutes, not more", "en", 20),
        ("20 minutes no problem", "en", 20),
        ("it is not ready yet, twenty minutes", "en", 20),
        ("20 minute mein nahi hoga", "hi", None),
        ("nahi 20 minute mein nahi hoga 30 minute", "hi", 30),
        ("बीस नहीं", "hi", None),
        ("nahi bees minute", "hi", 20),
        ("bees nahi pachees", "hi", 25),
        ("bees minute koi baat nahi", "hi", 20),
        ("वीस नको", "mr", None),
        ("वीस मिनिटांत होणार नाही", "mr", None),
    ],
)
def test_a_denied_number_is_no_promise(text: str, language: str, expected: int | None):
    assert minutes_in(text, language) == expected
    assert number_in(text, language) == expected


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("twenty no thirty", True), ("बीस नहीं", True), ("twenty", False), ("20 no problem", False)],
)
def test_a_denial_beside_a_number_is_noticed(text: str, is_one: bool):
    assert holds_denial(text) is is_one


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("four five double two", "en", "4522"),
        ("four oh two", "en", "402"),
        ("double oh seven", "en", "007"),
        ("triple nine one", "en", "9991"),
        ("45 12", "en", "4512"),
        ("4 5 1 2.", "en", "4512"),
        ("007", "en", "007"),
        ("forty five twelve", "en", "4512"),
        ("my order number is four five one two", "en", "4512"),
        ("for five to", "en", "452"),
        ("won too tree", "en", "123"),
        ("चार पांच", "hi", "45"),
        ("do char", "hi", "24"),
        ("do char", "en", "24"),
        ("डबल दो चार", "hi", "224"),
        ("shunya ek do", "hi", "012"),
        ("दोन चार सात", "mr", "247"),
        ("don nau", "mr", "29"),
        ("one hundred and twelve", "en", "112"),
        ("1234567890123456789012345", "en", "1234567890123456789012345"),
        ("", "en", ""),
        ("oh", "en", ""),
        ("thank you", "en", ""),
        ("I want to do it for you", "en", ""),
    ],
)
def test_digits(text: str, language: str, expected: str):
    assert digits_in(text, language) == expected


WORDS = """twenty five hundred and half sava paune do sau lakh 1.5 1,2 12 a hour ghante minute
double oh to for शे दोनशे quarter three he she thousand crore"""
SPOKEN = st.lists(st.sampled_from(WORDS.split()), max_size=30).map(" ".join)


@given(st.one_of(st.text(max_size=300), SPOKEN), st.sampled_from(["en", "hi", "mr", "", "de"]))
def test_no_text_breaks_them(text: str, language: str):
    number, minutes = number_in(text, language), minutes_in(text, language)
    assert number is None or number >= 0
    assert minutes is None or minutes >= 0
    digits = digits_in(text, language)
    assert not digits or digits.isdecimal()


@pytest.mark.parametrize("text", ["twenty " * 2000, "9" * 10_000, "एक " * 5000, "half " * 3000])
def test_ten_thousand_letters_are_read_as_far_as_an_answer_is_long(text: str):
    assert len(digits_in(text, "en")) <= 600
    number_in(text, "hi")
    minutes_in(text, "mr")
