"""Where a text is parted to be spoken. In the tables | ends a clause's piece, ‖ a sentence's."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speech.clauses import LONGEST_PIECE_CHARS, ClauseSplitter, Piece, pieces
from speech.errors import LanguageUnsupported

ENGLISH = """
Yes.
Hello.‖ How are you?
Of course,| I can help you with that, and with the rest.
Yes, I can do that.
Well, yes,| I can do that.
Good morning!‖ This is Asha, from Callwright.‖ Is this a good time?
I see;| one moment please.
I see it;| one moment please.
Let me check:| your order is on its way.
It is late —| I am sorry.
It is late -| I am sorry - and I will call.
It is late -| I am sorry, that is all.
Your bill is Rs. 1,250.50 in all.‖ Shall I go on?
It costs Rs. 500.‖ Is that fine?
It costs Rs.500/- only.‖ Is that fine?
It costs ₹ 1,250.50 today.‖ Thank you.
That makes 3.5 stars.‖ Thank you.
Version 3.5.2 is out.‖ It works.
Please ask Dr. Rao about it.‖ He knows.
Mr. and Mrs. Shah are here.‖ Come in.
Prof. A. P. J. Kulkarni spoke.‖ We listened.
Ask J. Rao.‖ Or ask me.
Please come to room No. 12 today.
Please come to No. A-12 today.
No.‖ I do not want it.
He said no.‖ She said yes.
I said no.
Look at Fig. 3 first.‖ Then go on.
See p. 55 and pp. 60-62 there.
We open at 9 a.m. on Monday.‖ Come then.
We close at 9 p.m.‖ Come before.
We close at 9:30 PM.‖ Come before.
Bring cash,| cards, etc. if you can.
Bring cash,| cards, etc.‖ That is all.
We sell fruit,| e.g. apples and pears.
That is,| i.e. the last one, yours.
Acme Pvt. Ltd. sent it.‖ Take it.
Acme Inc. is closed.
She lives in the U.S. with him.
He has a B.Tech. from Pune.
It is at 221,| M.G. Road, Pune.
Go to https://a.example.com/x?y=1&z=2.‖ Then wait.
Open www.example.com/help?Q=Yes please.
Write to help@example.co.in.‖ We answer.
Visit example.com.‖ It is free.
Your order ORD-4512 is ready.‖ Bye.
Your order ORD-4512.7 is ready.‖ Bye.
Your order is ORD-4512.‖ Bye.
Call +91 98765 43210 now.‖ Thank you.
On November 20, 2026 we open.
We came on 20 November, 2026 by train.
Press 1, 2 or 3 to go on.
Wait 10 - 15 minutes,| please.
Wait 10 – 15 minutes,| please.
In 1990.‖ Then in 2001.
It was 1990.‖ Then came more.
It was 5.‖ Really.
Well... let me see.‖ Yes.
Well...‖ Let me see.
Well… let me see.‖ Yes.
Let me see...| one moment.
Really?!‖ Yes!!!‖ Good.
Are you sure?‖ Yes.
Are you sure ?‖ Yes .‖ Good
"Stop!" he said.
She said "Stop!"| and he did.
"I will come."‖ Then she left.
“I will come.”‖ Then she left.
He asked,| “Is it 5?”‖ I nodded.
(It is late.)‖ We go.
It is late (as ever).‖ We go.
He said 'yes.'‖ Good.
Good bye! 😀‖ See you soon.
Good bye 😀!‖ See you soon.
😀 Good bye.‖ See you.
Good bye. 😀 👍🏽
Thanks 😀, see you.
Thanks a lot 😀,| see you.
Thank you, 🙏🏽| sir.
... so it goes.
**Total:** five rupees.
**Your total:**| five rupees.
It is *very* late.‖ We go.
Are you there?‖ Yes, I am.
Wait a bit—| I will see.
Options:‖¶1. Rice‖¶2. Dal
Your options are:‖¶¶- Rice‖¶- Dal
Your options are:‖¶• Rice‖¶• Dal and so on
1. Take it.‖ 2. Eat it.
Good morning|¶This is Asha.
Good morning‖¶¶This is Asha.
I would like to tell you that your order| from the shop is on its way
I would like to tell you that your parcel| arrived here in town this morning
I looked for it everywhere| but it is gone.
I looked but it is gone.
We will send the order again| because it was lost.
Your order with the number 45 12 78 90 11 12 13 is late
Please tell me the name of the street| and of the house where you live
I can not come to the office on the day| of the festival this year
we are open today.‖ come soon.‖ bye
iPhone sales rose.‖ Apps too.
The Node.js team met.‖ All came.
It is 5 km. from here.
Ask for St. Mary's.‖ They know.
Turn left at M.G. Rd. and go on.
The ref. 4512 is yours.
The price is $3.50.‖ Buy it.
Is it 12.5%?‖ Yes.
It is 12.5%.‖ Yes.
It's Ravi's.‖ Don't wait.
The word 'so.'| is short.
A. B. C.
"""

HINDI = """
जी हाँ।
नमस्ते।‖ मैं आशा बोल रही हूँ।‖ क्या अभी बात हो सकती है?
आपका ऑर्डर तैयार है।‖ क्या आप लेंगे?
आपका ऑर्डर तैयार है ।‖ क्या आप लेंगे ?‖ बताइए
आपका ऑर्डर तैयार है।‖क्या आप लेंगे?‖हाँ
जी हाँ,| मैं आपकी मदद करूँगी, अभी।
नमस्ते, मैं आशा हूँ।
कुल रु. 1,250.50 हुए हैं।‖ ठीक है?
कुल रु. पाँच सौ हुए।
डॉ. शर्मा से बात करें।‖ वे जानते हैं।
डॉ. ए. पी. जे. अब्दुल कलाम आए।
श्री. वर्मा और श्रीमती. वर्मा आए।
Dr. शर्मा कल आएँगे।‖ ठीक है।
मकान नं. 12 में आइए।‖ धन्यवाद।
क्र. 12 देखें।‖ धन्यवाद।
समय 3.5 घंटे है।‖ ठीक?
ठीक है.‖ मैं देखती हूँ.‖ धन्यवाद
आपका ऑर्डर ORD-4512 तैयार है।
यह 5 कि.मी. दूर है।‖ जल्दी आइए।
यह 5 कि. मी. दूर है।‖ जल्दी आइए।
शाम 7:30 बजे आइए।‖ धन्यवाद!
20 नवंबर, 2026 को आइए।
फल, सब्ज़ी आदि. लाइए।
रुकिए... मैं देखती हूँ।
एक मिनट रुकिए...| मैं देखती हूँ।
"रुकिए!"‖ उसने कहा।
“क्या आप आएँगे?”‖ उसने पूछा।
धन्यवाद! 🙏‖ फिर मिलेंगे।
https://a.example.com/x?y=1 देखिए।‖ ठीक है?
मैं आपको बताना चाहती हूँ| कि आपका ऑर्डर आज आएगा
मैं आपको यह बताना चाहती हूँ| कि आपका ऑर्डर आज आएगा
हमने आपका ऑर्डर भेजा है| लेकिन वह नहीं पहुँचा।
आपके घर के पास वाली दुकान में आज| बहुत सारा सामान आया हुआ है
रामः गच्छति ॥‖ इति।
Your order तैयार है।‖ Thank you.‖ ठीक?
"""

MARATHI = """
हो.
नमस्कार.‖ मी आशा बोलते आहे.‖ आता बोलू शकतो का?
एकूण रु. 500 झाले.‖ डॉ. जोशी येतील.‖ ठीक आहे?
ऑर्डर क्र. 4521 तयार आहे.‖ तुम्ही घ्याल का?
श्री. पाटील आले आहेत.‖ धन्यवाद.
पु. ल. देशपांडे येथे राहत.‖ माहीत आहे?
वि. स. खांडेकर आणि ह.भ.प. महाराज आले.
सौ. कुलकर्णी व कु. आशा आल्या.
दि. 20 नोव्हेंबर रोजी या.‖ वाट पाहू.
ता. हवेली,| जि. पुणे येथे या.
घर 5 कि.मी. दूर आहे.‖ लवकर या.
उदा. तांदूळ किंवा डाळ घ्या.
हो नक्की,| मी मदत करते, आत्ताच.
नमस्कार, मी आशा.
वेळ 3.5 तास आहे.‖ चालेल?
सायंकाळी 7:30 वाजता या.‖ धन्यवाद!
तुमची ऑर्डर तयार आहे।‖ घ्याल का?
तुमची ऑर्डर आम्ही पाठवली होती| पण ती पोहोचली नाही.
प्रा. शिंदे यांचा फोन 98765 43210 आहे.
जरा थांबा...| मी बघते.
आम्ही तुमच्या घराजवळच्या दुकानातून आज सकाळी ताजी भाजी| पाठवली आहे
Mr. पाटील Rs. 500 देतील.‖ Okay?
"""


def lines(table: str, language: str) -> list[tuple[str, str]]:
    """¶ is a line's end in the text."""
    return [(language, row.replace("¶", "\n")) for row in table.strip().splitlines()]


CASES = lines(ENGLISH, "en") + lines(HINDI, "hi") + lines(MARATHI, "mr")


def as_written(made: list[Piece]) -> str:
    """The pieces as in the tables, but for white space."""
    return "".join(piece.text + ("‖" if piece.ends_sentence else "|") for piece in made)


def without_space(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize(("language", "parted"), CASES)
def test_a_text_is_parted_where_people_breathe(language: str, parted: str) -> None:
    text = parted.replace("|", "").replace("‖", "")
    made = without_space(as_written(pieces(text, language)))
    assert made == without_space(parted) + "‖"


@pytest.mark.parametrize(("language", "parted"), CASES)
def test_letter_by_letter_the_pieces_are_the_same(language: str, parted: str) -> None:
    text = parted.replace("|", "").replace("‖", "")
    splitter = ClauseSplitter(language)
    made = [piece for letter in text for piece in splitter.feed(letter)]
    assert made + splitter.finish() == pieces(text, language)


def test_the_tables_hold_enough() -> None:
    assert len(CASES) >= 160
    assert {language for language, _ in CASES} == {"en", "hi", "mr"}


FRAGMENTS = """
Dr. No. Rs. 1,250.50 3.5 12 2026 ORD-4512 a.m. etc. e.g. J. yes. Well... … , ; : - — – . ! ? ?! । ॥
है। है. डॉ. क्र. कि. मी. तयार आहे का और लेकिन पण but the of house " ' “ ” ( ) * ** 😀 👍🏽 👨‍👩‍👧
https://a.example/x?y=1 a@b.co #12 ₹ $ + १२ 1. - • क्ष त्र्य x? y!Yes है।क्या wait—what
"""
WIDE = "".join(["क्षत्रियाणां" * 30, "x" * 300])
fragments = st.sampled_from([*FRAGMENTS.split(), *" " * 40, "\n", "\n\n", "\t", "\u00a0", WIDE])
texts = st.one_of(st.text(max_size=80), st.lists(fragments, max_size=60).map("".join))
languages = st.sampled_from(["en", "hi", "mr"])


@settings(deadline=None)
@given(texts, languages, st.integers(40, 220))
def test_nothing_is_lost_and_no_piece_is_too_long(text: str, language: str, longest: int) -> None:
    made = pieces(text, language, longest_chars=longest)
    assert without_space("".join(piece.text for piece in made)) == without_space(text)
    assert all(0 < len(piece.text) <= longest for piece in made)
    assert all(piece.text == piece.text.strip() for piece in made)
    assert not made or made[-1].ends_sentence


@settings(deadline=None)
@given(texts, languages, st.lists(st.integers(0, 1200), max_size=12), st.integers(40, 220))
def test_how_the_text_comes_never_changes_the_pieces(
    text: str, language: str, cuts: list[int], longest: int
) -> None:
    splitter = ClauseSplitter(language, longest_chars=longest)
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    made: list[Piece] = []
    for start, end in itertools.pairwise(places):
        made += splitter.feed(text[start:end])
    assert made + splitter.finish() == pieces(text, language, longest_chars=longest)


@settings(deadline=None)
@given(texts, languages)
def test_letter_by_letter_any_text_has_the_same_pieces(text: str, language: str) -> None:
    splitter = ClauseSplitter(language)
    made = [piece for letter in text for piece in splitter.feed(letter)]
    assert made + splitter.finish() == pieces(text, language)


def test_a_piece_is_given_with_the_first_letter_of_what_follows() -> None:
    splitter = ClauseSplitter("en")
    assert splitter.feed("Of course,") == []
    assert splitter.feed(" I") == [Piece("Of course,", ends_sentence=False)]
    assert splitter.feed(" can help. ") == []
    assert splitter.feed("W") == [Piece("I can help.", ends_sentence=True)]
    assert splitter.feed("hich order?") == []
    assert splitter.finish() == [Piece("Which order?", ends_sentence=True)]


def test_what_may_be_an_abbreviation_waits_for_the_word_after_it() -> None:
    splitter = ClauseSplitter("en")
    assert splitter.feed("No. A") == []
    assert splitter.feed("-12 is here. ") == []
    assert splitter.finish() == [Piece("No. A-12 is here.", ends_sentence=True)]


def test_plain_text_without_a_sign_is_spoken_two_words_after_the_eighth() -> None:
    splitter = ClauseSplitter("en")
    text = "tell me more about everything here today please nobody knows anything"
    made = [splitter.feed(f" {word}") for word in text.split()]
    first = Piece("tell me more about everything here today please", ends_sentence=False)
    assert made == [[]] * 9 + [[first], []]


def test_after_the_first_piece_only_sentences_and_the_limit_part_a_text() -> None:
    text = "Good morning, " + "this goes on, and on, and on, " * 10 + "to its end."
    first, *rest = pieces(text, "en")
    assert first.text == "Good morning,"
    assert [piece.text[-1] for piece in rest] == [",", "."]
    assert LONGEST_PIECE_CHARS / 2 < len(rest[0].text) <= LONGEST_PIECE_CHARS


@pytest.mark.parametrize("letter", ["x", "क", "1", ".", "😀", "क्षि", "—"])
def test_two_thousand_letters_without_a_break_are_parted_by_the_limit(letter: str) -> None:
    text = letter * (2000 // len(letter))
    splitter = ClauseSplitter("hi")
    made = splitter.feed(text)
    assert len(made) >= 8, "before the end of the text"
    made += splitter.finish()
    assert "".join(piece.text for piece in made) == text
    assert all(len(piece.text) <= LONGEST_PIECE_CHARS for piece in made)


def test_a_cut_inside_a_word_parts_no_syllable() -> None:
    syllable = "क्षिं"
    made = pieces(syllable * 200, "hi")
    assert all(len(piece.text) % len(syllable) == 0 for piece in made)


def test_a_sentence_over_the_limit_is_parted_beside_its_numbers() -> None:
    text = "मेरा नंबर है " + "98765 43210 और " * 40
    made = pieces(text.strip(), "hi")
    assert len(made) > 2
    assert not any(piece.text.endswith("98765") for piece in made)


def test_a_text_of_a_hundred_thousand_letters_takes_a_moment() -> None:
    made = pieces("कुल रु. 1,250.50 हुए हैं। " * 4000, "hi")
    assert len(made) == 4000


@pytest.mark.parametrize("text", ["", " \n ", "\t"])
def test_white_space_makes_no_piece(text: str) -> None:
    assert pieces(text, "en") == []


def test_a_region_is_ignored_and_an_unknown_language_is_refused() -> None:
    assert pieces("Hello. You", "en-IN") == pieces("Hello. You", "en")
    with pytest.raises(LanguageUnsupported, match="fr"):
        ClauseSplitter("fr")
    with pytest.raises(ValueError, match="40"):
        ClauseSplitter("en", longest_chars=39)
