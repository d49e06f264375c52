"""Every choice of every menu of the shipped flows, in words that the flow's file doesn't list."""

import pytest

from ivr_flows.answers import HIGH_CONFIDENCE, choose
from ivr_flows.flow import Flow, MenuNode
from ivr_flows.meanings import means_at
from tests.ivr_flows.shipped_flows import FLOWS

# By the meaning of the choice (its builtin), or its name, and the language.
WAYS: dict[tuple[str, str], str] = {
    (
        "yes",
        "en",
    ): """
    yes | yeah sure | um yes please go ahead | okay fine | yep | of course | no problem
    | absolutely | sure thing | yes yes | why not | haan ji""",
    ("no", "en"): """
    no | nope | no thanks | um no sorry | not at all | no way | never | nah | no no
    | definitely not | nahi""",
    (
        "confirm",
        "en",
    ): """
    can firm | conform | I confirm the order | confirmed it | yes accept | except it
    | please confirm it | order accepted | yes we will make it""",
    ("reject", "en"): """
    Ridge act | counsel | council the order | don't confirm | we can't accept | not confirmed
    | I want to reject this | please cancel | cannot accept it""",
    (
        "accept",
        "en",
    ): """
    except | I'll accept the delivery | accepting | acept | yes I'll take it | okay accept
    | I am accepting it | excepted""",
    (
        "repeat",
        "en",
    ): """
    can you repeat that | please say that again | what did you say | what? | again please
    | tell me again | ripeat | I didn't hear you | sorry what | one more time""",
    (
        "operator",
        "en",
    ): """
    I want to talk to a person | can I speak to someone please | opera tor | operater
    | an agent please | connect me to an agent | I need a human | let me talk to somebody
    | a person | no I want the operator""",
    (
        "out_of_stock",
        "en",
    ): """
    it's out of stock | the item is out of stock | item is not available | outofstock
    | we have no stock | it is sold out | out off stock | we're out of stock sorry | one""",
    (
        "closing",
        "en",
    ): """
    we're closing | we are closing now | the kitchen is closed | the shop is closed
    | restaurant closed | it's closing time | klosing | option two | closed""",
    (
        "too_busy",
        "en",
    ): """
    we're too busy | we are very busy | we have too many orders | kitchen's full
    | it's rush hour | there's a big rush | to busy | three | we are overloaded""",
    (
        "other",
        "en",
    ): """
    some other reason | it's another reason | other reasons | something else please
    | for another reason | a different reason | number four | some other reasons
    | for some other reason""",
    (
        "too_far",
        "en",
    ): """
    it's too far | that's too far | too far away | it is very far | to far | tofar
    | that is too far for me | it's a long distance | one""",
    ("busy", "en"): """
    I'm busy | I'm on another delivery | I am very busy | busi | busy now
    | I'm already on an order | I have another delivery | two | I'm on a trip""",
    (
        "vehicle",
        "en",
    ): """
    my bike broke down | I have a puncture | flat tire | the bike has a problem
    | there's a vehicle problem | my scooter is not working | I have no petrol | punctured
    | three""",
    (
        "off_duty",
        "en",
    ): """
    I'm off duty | off duty now | of duty | my shift is over now | I'm on leave
    | I am on a break | I'm at home | four | I am not working today""",
    ("order_status", "en"): """
    what's the status of my order | where's my order | order's status | I want my order status
    | track the order | please check my order | the status of the order
    | tell me the delivery status | my order status please""",
    (
        "another_order",
        "en",
    ): """
    yes another order | a different order please | check one more order | one more order please
    | yes one more | anothr order | another orders | yes please""",
    (
        "nothing_else",
        "en",
    ): """
    no that's all | that is all thank you | nothing more thanks | no nothing else | I'm done
    | thanks goodbye | that will be all thank you | no thank you""",
    (
        "yes",
        "hi",
    ): """
    haan ji | ji bilkul | haan theek hai | हाँ | जी हाँ | बिल्कुल | हाँ कर दो | कोई बात नहीं
    | yes | zaroor | haan bhai | ठीक है जी""",
    ("no", "hi"): """
    nahi ji | ji nahi | nahi nahi | नहीं | जी नहीं | बिल्कुल नहीं | नहीं चाहिए | no
    | nahi chahiye | mat karo""",
    ("confirm", "hi"): """
    haan confirm kar do | order accept hai | हाँ कन्फर्म कर दीजिए | कंफर्म | एक्सेप्ट कर लो
    | ओके कन्फर्म | order confirm kar dijiye | pakka""",
    (
        "reject",
        "hi",
    ): """
    order cancel kar dijiye | confirm mat karo | confirm nahi hai | accept nahi kar sakte
    | ऑर्डर कैंसिल कर दीजिए | कन्फर्म मत करो | रिजेक्ट कर दो | order nahi chahiye""",
    ("accept", "hi"): """
    haan le lunga | accept hai | हाँ ले लूँगा | एक्सेप्ट कर लो | accept kar liya
    | main kar lunga | हाँ मैं ले लूँगा | haan accept karo""",
    ("repeat", "hi"): """
    phir se bataiye | ek baar aur | kya kaha aapne | samajh nahi aaya | फिर से | समझ नहीं आया
    | एक बार और | dobara | repeat kijiye""",
    (
        "operator",
        "hi",
    ): """
    mujhe kisi se baat karni hai | manager se baat karao | insaan se baat karni hai
    | मुझे किसी से बात करनी है | मैनेजर से बात करनी है | कस्टमर केयर से बात
    | operator se baat karao | आदमी से बात करनी है""",
    (
        "out_of_stock",
        "hi",
    ): """
    samaan khatam hai | saman khatam ho gaya | saman khatam hai ji | stock nahin hai
    | ji stock nahi hai | सामान ख़त्म हो गया है | स्टॉक नहीं है जी | माल ख़त्म है
    | item available nahi hai""",
    ("closing", "hi"): """
    dukaan band hai | dukan band ho rahi hai | हम बंद कर रहे हैं | दुकान बंद है जी
    | रेस्टोरेंट बंद है | hotel band ho gaya | किचन बंद हो गया | ham band kar rahe hain""",
    ("too_busy", "hi"): """
    bahut bheed hai | bahut order hain | अभी बहुत भीड़ है | भीड़ बहुत ज़्यादा है
    | time nahin hai | हम बहुत बिज़ी हैं | bahut busy hain ji | ji bahut rush hai""",
    ("other", "hi"): """
    koi aur vajah | koi dusri wajah | कोई दूसरी वजह | कुछ और है | kuch aur hai
    | इनमें से कोई नहीं जी | koi alag karan | कोई और कारण""",
    ("too_far", "hi"): """
    bahut dur hai | dur hai | ये बहुत दूर है | ji bahut door hai | kaafi dur hai
    | मेरे लिए बहुत दूर है | मेरा एरिया नहीं | yah mera area nahi hai""",
    ("busy", "hi"): """
    mai busy hu | abhi busy hoon | मैं अभी बिज़ी हूँ | दूसरी डिलीवरी पर हूँ अभी
    | dusri delivery par hun | dusra order hai | ek order chal raha hai | मैं व्यस्त हूँ""",
    (
        "vehicle",
        "hi",
    ): """
    gadi kharab hai | meri gaadi kharab hai | बाइक ख़राब हो गई है | मेरी गाड़ी ख़राब है
    | panchar ho gaya | पेट्रोल ख़त्म हो गया | meri bike kharab hai | petrol khatm hai""",
    (
        "off_duty",
        "hi",
    ): """
    meri duty khatam hai | duty khatam ho gayi | मेरी शिफ़्ट ख़त्म हो गई | मैं घर पर हूँ अभी
    | aaj meri chhutti hai | आज मेरी छुट्टी है | shift khatam hai | abhi ghar par hoon""",
    ("order_status", "hi"): """
    mera order kaha hai | मेरा ऑर्डर कहाँ है जी | order ka status batao | ऑर्डर का स्टेटस
    | order kab aaega | ऑर्डर अभी तक नहीं आया | mera order nahi aaya | order status""",
    (
        "another_order",
        "hi",
    ): """
    dusra order | haan ek aur order | एक और ऑर्डर है | हाँ दूसरा ऑर्डर | haan ji
    | haan agla order | दूसरा ऑर्डर बताइए | aur ek order hai""",
    ("nothing_else", "hi"): """
    nahi bas | bas itna hi tha | नहीं बस | नहीं और कुछ नहीं | nahi dhanyavaad | bas ho gaya
    | बस इतना ही धन्यवाद | aur kuchh nahi""",
    (
        "yes",
        "mr",
    ): """
    ho nakki | ho chalel | ho ho | हो | होय | हो नक्की | काही हरकत नाही | barobar | yes
    | हो चालेल | हो साहेब""",
    ("no", "mr"): """
    nako nako | nahi saheb | नाही | नको | नाही नाही | मुळीच नाही | no | नको नको | karu naka""",
    ("confirm", "mr"): """
    ho confirm kara | order accept aahe | हो कन्फर्म करा | स्वीकारतो | ok confirm
    | कन्फर्म करून टाका | हो मंजूर आहे | ho thik aahe""",
    (
        "reject",
        "mr",
    ): """
    order cancel kara | confirm karu naka | confirm nako | कन्फर्म करू नका | ऑर्डर नको
    | रिजेक्ट करा | ऑर्डर कॅन्सल करा | accept nahi karnar""",
    (
        "accept",
        "mr",
    ): """
    ho mi gheto | हो घेतो | accept karto | स्वीकारतो | हो मी येतो | ho chalel | ho gheto
    | मी घेतो ऑर्डर""",
    (
        "repeat",
        "mr",
    ): """
    punha ekda sanga | parat ekda sanga | समजलं नाही | samajla nahi | पुन्हा एकदा सांगा
    | aiku aala nahi | काय बोललात | परत""",
    ("operator", "mr"): """
    mala manasashi bolaycha aahe | मला माणसाशी बोलायचं आहे | मॅनेजरशी बोलायचं आहे
    | konashi tari bolaycha aahe | ऑपरेटरशी बोलायचं आहे | manager shi bolaycha aahe
    | मला कोणाशी तरी बोलायचं आहे | operator shi bola""",
    (
        "out_of_stock",
        "mr",
    ): """
    padartha sampla | padarth sampla aahe | पदार्थ संपला आहे | stock nahi aahe | माल संपला आहे
    | आमच्याकडे स्टॉक नाही | maal sampla aahe | उपलब्ध नाही आहे""",
    ("closing", "mr"): """
    dukan band hot aahe | आम्ही बंद करत आहोत | दुकान बंद आहे हो | hotel band zala
    | दुकान बंद झालं | amhi band karat aahot | किचन बंद आहे आता | kitchen band""",
    ("too_busy", "mr"): """
    khup gardi ahe | gardi jast aahe | आता खूप गर्दी आहे | आम्ही खूप बिझी आहोत | vel nahi aahe
    | ऑर्डर खूप आहेत आता | khup orders aahet | amhi khup busy aahot""",
    ("other", "mr"): """
    dusra karan aahe | दुसरं कारण आहे | वेगळंच कारण आहे | itar karan aahe | vegla karan aahe
    | दुसरं काही आहे | kahi vegla karan | इतर कारण आहे""",
    (
        "too_far",
        "mr",
    ): """
    khup lamb ahe | फार लांब आहे | हे खूप लांब आहे | antar jast aahe | khup laamb aahe
    | माझा एरिया नाही हा | far lamb aahe | मी खूप लांब आहे""",
    ("busy", "mr"): """
    mi busy ahe | मी आत्ता बिझी आहे | मी बिझी आहे हो | dusrya delivery var aahe
    | dusri order aahe majhi | एक ऑर्डर चालू आहे माझी | mi kamat aahe | dusri order ahe""",
    (
        "vehicle",
        "mr",
    ): """
    gaadi bighadli | majhi gadi bighadli | माझी गाडी बिघडली आहे | बाईक खराब झाली आहे
    | panchar zali | पेट्रोल संपलं आहे | bike kharab zali aahe | गाडी बंद पडली आहे""",
    ("off_duty", "mr"): """
    majhi duty sampli | ड्युटी संपली आहे | माझी शिफ्ट संपली | mi ghari aahe
    | आज माझी सुट्टी आहे | aaj sutti ahe | shift sampli aahe | मी घरी आहे आता""",
    ("order_status", "mr"): """
    majhi order kuthe aahe | माझी ऑर्डर कुठे आहे हो | majhi order kuthe | ऑर्डर अजून आली नाही
    | orderchi mahiti sanga | order kadhi yeil ho | ऑर्डर ट्रॅक करा ना | order status sanga""",
    ("another_order", "mr"): """
    ho ajun ek order | अजून एक ऑर्डर आहे | दुसरी ऑर्डर आहे | ho dusri order
    | aankhi ek order aahe | हो आणखी एक ऑर्डर | pudhchi order sanga | ho""",
    ("nothing_else", "mr"): """
    nahi bas | nahi evdhach | नाही एवढंच | नाही धन्यवाद | evdhach dhanyavad
    | नाही अजून काही नाही | nahi aankhi kahi nahi | बस एवढंच""",
}

# What may be heard at any menu and must not be acted on.
NO_ANSWER = """
    you | thank you for nothing much | the | Mm | Ah | hello | I don't know | maybe | hold on
    | wait | the weather is nice | did you see the match | pata nahi | shayad | ruko
    | माहीत नाही | थांबा | पता नहीं | what a lovely garden you have | she sells sea shells"""


def ways(table: str) -> list[str]:
    return [" ".join(way.split()) for way in table.split("|")]


def menus() -> list[tuple[str, str, str]]:
    return [
        (flow_name, node_name, language)
        for flow_name, flow in FLOWS.items()
        for node_name, node in flow.nodes.items()
        if isinstance(node, MenuNode)
        for language in flow.languages
    ]


def acted_on(flow: Flow, node: str, language: str, text: str) -> str | None:
    choices = [means.choice for means in means_at(flow, flow.nodes[node], language)]
    meaning = choose(text, choices, language)
    return meaning.choice if meaning.confidence >= HIGH_CONFIDENCE else None


@pytest.mark.parametrize(("flow_name", "node", "language"), menus())
def test_each_choice_is_reached_by_eight_ways_that_its_file_does_not_list(
    flow_name: str, node: str, language: str
):
    flow = FLOWS[flow_name]
    missed: list[tuple[str, str, str | None]] = []
    for means in means_at(flow, flow.nodes[node], language):
        if means.name.startswith("language_") or means.name == "next_language":
            continue
        tables = [WAYS.get((name, language), "") for name in {means.builtin or "", means.name}]
        listed = {phrase.casefold() for phrase in means.phrases}
        said = {way for table in tables if table for way in ways(table)}
        fresh = {way for way in said if way.casefold() not in listed}
        assert len(fresh) >= 8, (means.name, len(fresh))
        for way in (*said, *means.phrases):
            got = acted_on(flow, node, language, way)
            if got != means.name:
                missed.append((means.name, way, got))
    assert not missed


@pytest.mark.parametrize(("flow_name", "node", "language"), menus())
def test_what_is_no_answer_is_acted_on_at_no_menu(flow_name: str, node: str, language: str):
    flow = FLOWS[flow_name]
    acted = {way: acted_on(flow, node, language, way) for way in ways(NO_ANSWER)}
    assert not {way: choice for way, choice in acted.items() if choice is not None}


@pytest.mark.parametrize("name", FLOWS)
def test_another_language_is_reached_from_every_menu(name: str):
    asked = (("English please", "en"), ("हिंदी में बोलिए", "hi"), ("marathi", "mr"))
    for flow_name, node, language in menus():
        for words, code in asked:
            if flow_name == name and code != language:
                got = acted_on(FLOWS[name], node, language, words)
                assert got == f"language_{code}", (node, language, words)


@pytest.mark.parametrize(("flow_name", "node", "language"), menus())
def test_a_language_that_is_denied_is_not_switched_to(flow_name: str, node: str, language: str):
    denied = """
        I don't speak Hindi | I don't speak English | I do not understand Marathi | not Hindi
        | I don't know English | mujhe hindi nahi aati | mala marathi yet nahi"""
    acted = [acted_on(FLOWS[flow_name], node, language, way) for way in ways(denied)]
    assert not [choice for choice in acted if choice and choice.startswith("language_")]
