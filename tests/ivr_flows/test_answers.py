"""What was meant at a menu: tables of ways to say it, and of things that must not count."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr_flows.answers import HIGH_CONFIDENCE, Choice, choose, shared_phrases, yes_or_no
from ivr_flows.understanding import UNSURE_CONFIDENCE

# The menu of a shop that is asked to confirm an order.
ORDER = (
    Choice("confirm", ("confirm", "accept"), "yes"),
    Choice("reject", ("reject", "cancel"), "no"),
    Choice("repeat", (), "repeat"),
    Choice("operator", (), "operator"),
)

SAID: dict[tuple[str, str], str] = {
    ("en", "confirm"): """
        yes | Yes. | yeah | yep | yup | yes yes | yes please | um yes please go ahead | come firm
        | confirm the order in twenty minutes | uh, yes
        | yes sir | confirm | confirmed | confirm it | i confirm | I confirm the order
        | confirmed it | conform | can firm | con firm | Can firm it. | conformed | kan firm
        | yes confirm | Yes, confirm the order please | please confirm it | accept | accepted
        | I accept | we accept the order | except | except it | excepted | accept the order
        | okay | OK | ok fine | sure | sure thing | go ahead | please go ahead | of course
        | absolutely | definitely | correct | that's correct | that is right | no problem
        | no problem at all | why not | no issues | not a problem | yes no problem | fine
        | all right | alright then | sounds good | do it | take the order | we'll take it
        | approved | Yes, we can do it. | yes we will make it | order accepted | order confirmed
        | it is confirmed | okay confirm | ok accept it | ah yes | Mm yes | you yes | well yes
        | oh yes sure | yes, um, confirm | uh huh | mm-hmm | yess | yes I will prepare it
        | agreed | perfect | haan confirm | haan ji | theek hai | of course yes | we confirm
        | yes it's confirmed | confirmd | comfirm | confirming | i am confirming the order
        | yes absolutely confirm""",
    ("en", "reject"): """
        no | No. | nope | nah | no no | no thanks | no thank you | um no | uh no sorry | no sir
        | reject | rejected | reject it | I reject | reject the order | Ridge act | ridge act it
        | rejecting | regect | cancel | cancel it | cancelled | cancel the order | counsel
        | Counsel it. | council the order | cancel please | please cancel the order
        | not confirmed | not confirm | don't confirm | do not confirm it
        | I don't want to confirm | can't accept | we cannot accept the order | I can not accept
        | not accepted | won't accept | do not accept | decline | declined | refuse | no way
        | not possible | not today | no we are closed | not available | out of stock
        | we are out of stock | it's sold out | we can't do it | can't do it | cannot make it
        | ok cancel it | okay no | fine cancel | no cancel it | no reject it | no not confirmed
        | not at all | never | negative | absolutely not | certainly not | leave it | no I can't
        | I don't want it | sorry no | not okay | know | cansel | canceling | order cancelled
        | nahi | cancel kar do | no don't confirm""",
    ("en", "repeat"): """
        repeat | repeat please | can you repeat that | please repeat | say again | say that again
        | once more | one more time | come again | pardon | pardon me | what | what? | sorry what
        | what did you say | I didn't hear | I did not hear you | sorry I didn't catch that
        | could you say it again please | again | again please | I didn't understand | re peat
        | yes repeat | no repeat please | repeat the order | tell me again | dobara boliye | huh
        | I can't hear you | ripeat""",
    ("en", "operator"): """
        operator | agent | person | human | representative | a real person | talk to a person
        | I want to talk to a human | speak to someone | can I speak to a person
        | let me talk to somebody | customer care | customer service please
        | connect me to an agent | transfer me | help | I need help | speak to the manager
        | can I talk with someone please | yes operator | opera tor | operater | upper rater
        | live agent | get me a person | kisi se baat karni hai | no I want the operator
        | put me through""",
    ("hi", "confirm"): """
        haan | haa | han | haan ji | ji haan | ji | hanji | haan haan | haan bilkul | bilkul
        | zaroor | jarur | theek hai | thik hai | teek hai | theek | thik he | haan theek hai
        | theekhai | sahi hai | confirm | haan confirm kar do | confirm kar do | confirm karo
        | confirm hai | order confirm hai | order accept hai | accept kar lo | accept karo
        | order accept kar liya | manzoor hai | manjur hai | kar do | kar dijiye | haan kar do
        | chalega | chalo theek hai | koi baat nahi | koi dikkat nahi | kyun nahi
        | haan koi problem nahi | ho jayega | haan ho jaega | pakka | badhiya | le lenge
        | haan bhai confirm hai | ji bilkul theek hai | accha theek hai | haan ji order le liya
        | yes | ok | ok confirm | हाँ | हां | हाँ जी | जी हाँ | जी | बिल्कुल | ठीक है
        | हाँ ठीक है | कन्फर्म | कंफर्म कर दो | हाँ कन्फर्म कर दीजिए | ऑर्डर कन्फर्म है
        | एक्सेप्ट है | ऑर्डर एक्सेप्ट कर लिया | मंज़ूर है | स्वीकार है | कर दो | कर दीजिए
        | चलेगा | कोई बात नहीं | कोई दिक्कत नहीं | क्यों नहीं | हो जाएगा | ज़रूर | सही है | ओके
        | यस | हाँ भाई कर दो | पक्का | ओके कन्फर्म""",
    ("hi", "reject"): """
        nahi | nahin | nai | nahee | ji nahi | nahi ji | nahi nahi | nahi chahiye
        | mujhe nahi chahiye | bilkul nahi | cancel | cancel kar do | cancel karo
        | order cancel kar dijiye | order cancel karo | mat karo | confirm mat karo
        | accept mat karo | confirm nahi hai | confirm nahi karna | accept nahi kar sakte
        | order nahi chahiye | nahi ho payega | nahi ho sakta | nahi kar paenge | nahi hoga
        | abhi nahi | aaj nahi | reject | reject karo | reject kar do | radd kar do | mana kar do
        | rehne do | theek nahi hai | nahi cancel karo | nahi bhai | theek hai cancel kar do
        | band hai | khatam ho gaya | stock nahi hai | no | नहीं | जी नहीं | नहीं नहीं
        | नहीं चाहिए | नहीं जी | बिल्कुल नहीं | कैंसल कर दो | कैंसिल करो | ऑर्डर कैंसिल कर दीजिए
        | मत करो | कन्फर्म मत करो | कन्फर्म नहीं है | नहीं हो पाएगा | नहीं होगा | रिजेक्ट
        | रिजेक्ट कर दो | रद्द कर दो | मना कर दो | रहने दो | अभी नहीं | ऑर्डर नहीं चाहिए
        | ठीक नहीं है | एक्सेप्ट नहीं कर सकते | नो""",
    ("hi", "repeat"): """
        dobara | dobara boliye | phir se | phir se boliye | fir se bolo | ek baar aur | kya kaha
        | kya bola | kya | samajh nahi aaya | sunai nahi diya | repeat karo | haan phir se bolo
        | wapas boliye | दोबारा | दोबारा बोलिए | फिर से | फिर से बोलिए | एक बार और | क्या कहा
        | क्या | समझ नहीं आया | सुनाई नहीं दिया | रिपीट कीजिए""",
    ("hi", "operator"): """
        operator | kisi se baat karni hai | kisi se baat karao | aadmi se baat karni hai
        | insaan se baat karni hai | manager se baat karao | mujhe kisi se baat karni hai
        | customer care | baat karwaiye | operator se baat karao | ऑपरेटर | किसी से बात करनी है
        | आदमी से बात करनी है | मैनेजर से बात करनी है | कस्टमर केयर | मुझे किसी से बात करनी है""",
    ("mr", "confirm"): """
        ho | hoy | ho ho | ho nakki | nakki | barobar | ho barobar aahe | thik aahe | theek aahe
        | thik ahe | chalel | ho chalel | confirm | confirm kara | ho confirm kara
        | order confirm aahe | accept kara | order accept aahe | manya aahe | manjur aahe | kara
        | ho kara | karun taka | harkat nahi | kahi harkat nahi | kahi problem nahi | hoil
        | ho hoil | gheto | ho order gheto | ho saheb | ok | yes | haan | ho na | ho thik aahe
        | बरोबर | हो | होय | हो हो | हो नक्की | नक्की | ठीक आहे | चालेल | हो चालेल | कन्फर्म
        | कन्फर्म करा | हो कन्फर्म करा | ऑर्डर कन्फर्म आहे | मान्य आहे | मंजूर आहे | करा
        | हरकत नाही | काही हरकत नाही | होईल | स्वीकारतो | हो साहेब | ओके""",
    ("mr", "reject"): """
        nahi | nako | naahi | nahi nahi | nako nako | cancel | cancel kara | order cancel kara
        | reject kara | confirm karu naka | confirm nako | confirm nahi | accept karu naka
        | order nako | karu naka | shakya nahi | jamnar nahi | hot nahi | honar nahi
        | nahi jamnar | radd kara | mulich nahi | rahu dya | thik nahi | accept nahi karnar
        | nahi saheb | aata nahi | no | sampla aahe | नाही | नको | नाही नाही | नको नको
        | कॅन्सल करा | ऑर्डर कॅन्सल करा | रिजेक्ट करा | कन्फर्म करू नका | कन्फर्म नको | करू नका
        | शक्य नाही | जमणार नाही | होणार नाही | रद्द करा | मुळीच नाही | ऑर्डर नको | राहू द्या
        | नाही साहेब""",
    ("mr", "repeat"): """
        parat sanga | parat | punha sanga | punha ekda | parat ekda sanga | kay mhanalat | kay
        | samajla nahi | aiku aala nahi | repeat kara | परत सांगा | पुन्हा सांगा | पुन्हा एकदा
        | काय म्हणालात | काय | समजलं नाही | ऐकू आलं नाही | परत""",
    ("mr", "operator"): """
        operator | manasashi bolaycha aahe | konashi tari bolaycha aahe | mala bolaycha aahe
        | manager shi bolaycha | adhikari | jodun dya | ऑपरेटर | माणसाशी बोलायचं आहे
        | मला माणसाशी बोलायचं आहे | कोणाशी तरी बोलायचं आहे | मॅनेजरशी बोलायचं आहे | customer care""",
}

# None of these may be acted on at that menu.
UNRELATED = """
        you | thank you | Thank you. | the | Mm | Mm. | Ah | Ah. | bye | goodbye | hello | hi
        | oh | um | uh | so | and | thanks for watching | I | a | it is | music
        | okay bye bye now have a nice time there | maybe | I don't know | not sure
        | perhaps later | let me check | wait | hold on | one second | just a minute | no wait
        | there is no milk in the fridge
        | I was reading a book yesterday about the history of confirmation
        | the weather is nice today | my brother said the order of the kings was long
        | what is the weather in Pune today | that person is my old friend from school days
        | we accept credit cards and cash at the counter downstairs
        | did you see the match last night
        | I have to cancel my dentist appointment tomorrow morning | the train leaves at seven
        | who is this | who are you | where are you calling from | how much is it
        | what's your name | she sells sea shells | turn the volume down
        | please come to the table | two plus two
        | the operator of the crane was hurt in an accident | twenty five minutes | tomorrow
        | later | nothing to confirm | yes wait | yes, no wait | haan nahi ruko | haan ek minute
        | yes hold on | ho thamba
        | हाँ रुको | monday | pizza | paneer tikka | chicken biryani | the quick brown fox | I know
        | you know | let me know | don't cancel | do not cancel it | don't reject
        | cancel mat karo | cancel nahi karna | radd karu naka | pata nahi | mujhe nahi pata
        | shayad | ruko | ek minute | dekhte hain | mahit nahi | thamba | kadachit
        | kaun bol raha hai | aap kaun | kahan se bol rahe ho | kitna paisa | kon boltay
        | kuthun boltay | पता नहीं | शायद | रुको | आप कौन | कौन बोल रहा है | माहीत नाही | थांबा
        | कोण बोलतंय | धन्यवाद | नमस्ते | आज मौसम अच्छा है और बाहर बच्चे खेल रहे हैं
        | काल आम्ही पुण्याला गेलो होतो | bahar baarish ho rahi hai | bees minute | pachas rupaye
        | gaadi kharab hai | ☎ | ... | ??? | 42 | 谢谢 | Спасибо"""

CONTRADICTIONS = """
        yes no | no yes | yes, no, yes | haan nahi | nahi haan | हाँ नहीं | confirm cancel
        | ok no onions | ok but no naan
        | yes not confirmed | accept and reject | yes cancel it | no confirm it
        | nahi confirm kar do | cancel no confirm | repeat operator"""

# A yes is in each of these, and none of them promises anything.
NO_PROMISE = """
        who confirmed it | did you confirm | is it confirmed | should I confirm
        | how do I confirm | can you confirm the amount | ok is it confirmed | do you accept
        | have you accepted it | will you accept | किसने कन्फर्म किया | क्या कन्फर्म हुआ
        | kaise confirm karu | क्या यह कन्फर्म है | I will confirm later | yes but later
        | baad mein confirm karunga | nantar confirm karto | नंतर कन्फर्म करतो
        | confirm tomorrow | kal confirm karunga | we stopped accepting | all except naan
        | yes except naan | everything except the naan"""

# How a telephone is answered.
HELLO = """
        haan bolo | haan boliye | hello haan boliye | haan ji boliye | ji boliye | haan bataiye
        | हाँ बोलिए | हाँ बोलो | हैलो हाँ बोलिए | ho bola | हो बोला | hello yes speaking"""

NOT_REFUSED = """
        don't cancel | do not reject it | cancel mat karo | I refuse to cancel | never cancel
        | nothing to reject | nothing to cancel | we never reject an order
        | cancel kabhi nahi | cancel bilkul nahi"""


def ways(table: str) -> list[str]:
    return [" ".join(way.split()) for way in table.split("|") if way.strip()]


def meant(text: str, language: str) -> str | None:
    meaning = choose(text, ORDER, language)
    return meaning.choice if meaning.confidence >= HIGH_CONFIDENCE else None


@pytest.mark.parametrize(
    ("language", "choice", "text"),
    [(lang, choice, way) for (lang, choice), table in SAID.items() for way in ways(table)],
)
def test_each_way_of_saying_it_is_understood(language: str, choice: str, text: str):
    assert meant(text, language) == choice, choose(text, ORDER, language)


def test_the_tables_stay_large_in_both_scripts():
    said = [way for table in SAID.values() for way in ways(table)]
    assert len(said) >= 500
    assert sum(not way.isascii() for way in said) >= 120


@pytest.mark.parametrize("language", ["en", "hi", "mr"])
@pytest.mark.parametrize("text", ways(UNRELATED))
def test_what_is_no_answer_is_not_acted_on(text: str, language: str):
    assert meant(text, language) is None, choose(text, ORDER, language)
    assert yes_or_no(text, language).confidence < HIGH_CONFIDENCE


@pytest.mark.parametrize("text", ways(CONTRADICTIONS))
def test_two_answers_at_once_are_flagged(text: str):
    meaning = choose(text, ORDER, "mr")
    assert meaning.is_ambiguous
    assert meaning.choice is None
    assert meaning.confidence < HIGH_CONFIDENCE


@pytest.mark.parametrize("language", ["en", "hi", "mr"])
@pytest.mark.parametrize("text", ways(NO_PROMISE))
def test_a_question_and_a_postponement_are_no_yes(text: str, language: str):
    assert meant(text, language) is None, choose(text, ORDER, language)
    # Nor a yes to "did you mean: confirm?", which takes less.
    assert yes_or_no(text, language).confidence < UNSURE_CONFIDENCE


@pytest.mark.parametrize("text", ["confirm zala ka", "कन्फर्म झाली का", "order confirm aahe ka"])
def test_a_marathi_question_is_no_yes(text: str):
    assert meant(text, "mr") is None, choose(text, ORDER, "mr")


@pytest.mark.parametrize("language", ["en", "hi", "mr"])
@pytest.mark.parametrize("text", ways(HELLO))
def test_a_telephone_hello_hears_the_question_again(text: str, language: str):
    assert meant(text, language) == "repeat", choose(text, ORDER, language)
    assert yes_or_no(text, language).confidence < UNSURE_CONFIDENCE


@pytest.mark.parametrize("text", ways(NOT_REFUSED))
def test_not_refusing_is_at_most_a_hesitant_yes(text: str):
    assert meant(text, "en") is None
    meaning = yes_or_no(text, "en")
    assert meaning.choice in (None, "yes")
    assert meaning.confidence < HIGH_CONFIDENCE


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("ho", "mr", "yes"),
        ("ho", "hi", None),
        ("ya", "en", "yes"),
        ("ya", "hi", None),
        ("nako", "en", "no"),
        ("हाँ", "en", "yes"),
        ("yes", "mr", "yes"),
        ("yes", "xx", "yes"),
    ],
)
def test_the_language_of_the_call_decides_where_languages_collide(
    text: str, language: str, expected: str | None
):
    assert yes_or_no(text, language).choice == expected


SUPPORT = (
    Choice("order_status", ("order status", "where is my order", "1")),
    Choice("complaint", ("make a complaint", "2")),
    Choice("operator", ("9",), "operator"),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("status of my order", "order_status"),
        ("yes, order status please", "order_status"),
        ("the order's status", "order_status"),
        ("where's my order", "order_status"),
        ("I would like to make a complaint", "complaint"),
        ("one", "order_status"),
        ("option two", "complaint"),
        ("press nine", "operator"),
        ("no, not order status, operator", "operator"),
        ("not order status", None),
        ("yes", None),
        ("no", None),
        ("two minutes of silence", None),
        ("one two", None),
        ("do", "complaint"),
        ("order status two", None),
    ],
)
def test_choices_of_a_menu_without_yes_and_no(text: str, expected: str | None):
    meaning = choose(text, SUPPORT, "en")
    assert (meaning.choice if meaning.confidence >= HIGH_CONFIDENCE else None) == expected


KEYED_ORDER = (
    Choice("confirm", ("confirm", "1"), "yes"),
    Choice("reject", ("reject", "2"), "no"),
    Choice("later", ("4",)),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("haan kar do", "confirm"),
        ("कर दो", "confirm"),
        ("do it", "confirm"),
        ("for sure", "confirm"),
        ("do", "reject"),
        ("option two please", "reject"),
        ("ek", "confirm"),
        ("number four", "later"),
        ("yes, two", None),
        ("to", "reject"),
        ("two", "reject"),
    ],
)
def test_a_choice_said_by_its_number_is_told_from_words_spelt_like_one(
    text: str, expected: str | None
):
    meaning = choose(text, KEYED_ORDER, "hi")
    assert (meaning.choice if meaning.confidence >= HIGH_CONFIDENCE else None) == expected


def test_a_phrase_that_two_choices_claim_is_found_however_it_is_spelt():
    choices = (
        Choice("take", ("theek hai", "take it")),
        Choice("leave", ("ठीक है", "leave it")),
    )
    assert ("theek hai", "take", "leave") in shared_phrases(choices, "hi")
    assert shared_phrases(ORDER, "en") == []


def test_a_menu_without_choices_means_nothing():
    assert choose("yes", (), "en").choice is None


ANYTHING = st.one_of(
    st.text(max_size=300),
    st.lists(
        st.sampled_from(
            [
                "yes",
                "no",
                "नहीं",
                "haan",
                "not",
                "confirm",
                "cancel",
                "mat",
                "करो",
                "kar",
                "do",
                "ruko",
                "25",
                "two",
            ]
        ),
        max_size=40,
    ).map(" ".join),
)


@given(ANYTHING, st.sampled_from(["en", "hi", "mr", "", "de"]))
def test_no_text_breaks_it(text: str, language: str):
    meaning = choose(text, ORDER, language)
    assert 0 <= meaning.confidence <= 1
    assert meaning.choice in (None, "confirm", "reject", "repeat", "operator")
    assert (meaning.choice is None) <= (meaning.confidence == 0)


@pytest.mark.parametrize("text", ["confirm " * 2000, "x" * 10_000, "ﷺ" * 10_000, "हाँ नहीं " * 2000])
def test_a_page_of_text_is_no_confident_answer_to_a_short_question(text: str):
    assert choose(text + " cancel", ORDER, "en").choice != "reject"


@pytest.mark.parametrize(
    ("text", "acted_on"),
    [
        ("I can do it.", None),
        ("We can do it", None),
        ("I can take it.", None),
        ("yes, I can do it", "confirm"),
        ("I can't do it", "reject"),
        ("I can not accept", "reject"),
        ("can firm", "confirm"),
        ("can you repeat", "repeat"),
    ],
)
def test_a_can_that_may_have_lost_its_not_is_asked_about(text: str, acted_on: str | None):
    assert meant(text, "en") == acted_on, choose(text, ORDER, "en")
