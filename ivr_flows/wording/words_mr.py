"""How callers say yes, no, again and "a person" in Marathi, as people type it in Latin letters.

Devanagari comes to the same keys by `devanagari.romanise`; only words that it would spell
otherwise stand here in Devanagari too.
"""

YES = """ho, hoy, hoye, hoo, ho ho, ho na, ho ji, ho saheb, ho dada, ho bhau, ho nakki, nakki,
nakkich, nakki ho, barobar, barobar aahe, barobar ahe, ka nahi, ka nahin, harkat nahi,
kahi harkat nahi, kahihi harkat nahi, harkat nahi kahi, kahi problem nahi, kahi adchan nahi,
kahi hat nahi, kahi haraj nahi, avashya, agdi barobar, hoy hoy, ho barobar, काही हरकत नाही,
हरकत नाही"""

YES_VERBS = """manya, manya aahe, manya ahe, manjur, manjur aahe, manjur ahe, manjoor, sweekar,
swikarto, svikarle, swikarla, svikarla, swikar kela, pakka, pakka aahe, pakka kara, order gheto,
order ghetli, ghetli order, tayar aahe, tayaar aahe, tayar aahot, कन्फर्म, कन्फर्म आहे,
अ‍ॅक्सेप्ट, ॲक्सेप्ट, एक्सेप्ट, मंजूर आहे, स्वीकारतो, स्वीकारले"""

YES_POLITE = """thik aahe, theek aahe, thik ahe, theek ahe, tik aahe, thik, theek, thik hai,
chalel, chalel na, chalte, chaltay, kara, karun taka, karun takaa, karun dya, karto, karte, karu,
karuya, karu ya, hoil, hoeel, houn jail, gheto, ghetto, deto, devu, dete, pathva, pathav,
pathvun dya, banavto, banvto, chan, chhan, uttam, pudhe ja, pudhe chala, घेतो, होईल, चालेल, ओके,
करतो, देतो, करा"""

YES_DOUBTFUL = (
    """bar, bare, baran, bara, bara bara, accha, achha, vatate, asel, hou shakte, bahutek"""
)

YES_ALONE = """ha, hm ho, tayar, ji, ho ka"""

NO = """nahi nahi, nako nako, nahi nako,
nahi ho, nahi saheb, nahi dada, sadhya nahi, aata nahi, ata nahi, aaj nahi, thik nahi, theek nahi,
thik nahi aahe, barobar nahi, barobar nahi aahe, नको नको, नाही हो"""

NO_VERBS = """radd, rad, radd kara, rad kara, radd karun taka, radd karaycha, radd karaychi aahe,
nakar, nakarto, nakarla, nakarte, amanya, namanjur, sampla, samplay, sample, sampla aahe,
samplay aahe, rahu de, rahu dya, rahudya, rahude, sodun dya, sodun de, jau de, jau dya, band kara,
band aahe, dukan band aahe, uplabdh nahi, shillak nahi, stock nahi, stock nahi aahe, milnar nahi,
kathin aahe, कॅन्सल, कॅन्सल करा, कॅन्सल कर, कैंसल, रद्द करा, रिजेक्ट, रिजेक्ट करा, नकार"""

NO_ALONE = """na, naa, kathin, sampla na, band"""

NEGATE_AFTER = """mulich nahi, ajibat nahi, ajibaat nahi, kadhich nahi,
nahi, naahi, nahin, nay, nai, nahi aahe, nahi ahe, nako, nakoy, nako aahe,
nako ahe, nakoch, shakya nahi, shakya nahi aahe, jamnar nahi, jamanar nahi, jamat nahi,
jamnaar nahi, nahi jamnar, nahi jamat, honar nahi, hot nahi, nahi honar, nahi hot, nahi hoil,
hou shakat nahi, hou shaknar nahi, karaycha nahi, karaychi nahi, karayche nahi,
karaycha nahi aahe, nahi karaycha, nahi karaychi, karnar nahi, nahi karnar, karat nahi,
nahi karat, karu shakat nahi, karu shaknar nahi, nahi karu shakat, gheu shakat nahi, ghenar nahi,
nahi ghenar, deu shakat nahi, denar nahi, nahi denar, pahije nahi, nahi pahije, nahi keli,
nahi kela, keli nahi, kela nahi, nahi yenar, yenar nahi, jaanar nahi, nahi janar, शक्य नाही,
जमणार नाही, होणार नाही, करणार नाही, नाही जमणार, नाही करणार, नाही करायचं, करायचं नाही, नकोय"""
FORBID = """naka, karu naka, karu nako, karu naye, naka karu, nako karu, nako karus, karu nakos,
naye, nakos"""

REPEAT = """parat, parat sanga, parat sang, parat bola, parat bol, parat ekda, parat ekda sanga,
ekda parat, parat eikva, parat aikva, punha, punha sanga, punha bola, punha ekda,
punha ekda sanga, punha ekda bola, punha sang, ajun ekda, ajun ekda sanga, kay mhanala,
kay mhanalat, kay mhanalas, kaay mhanala, kay bolla, kay bollat, kay bolala, kay bolalat,
kaay bollat, samajla nahi, samajle nahi, samjla nahi, samajala nahi, samajale nahi, nahi samajla,
kalala nahi, kalla nahi, kalle nahi, nahi kalala, aiku aala nahi, aiku ala nahi, eiku aale nahi,
aaiku aale nahi, aiku aale nahi, nahi aiku aala, aavaj yet nahi, awaz yet nahi, repeat kara,
repeat kar, समजलं नाही, कळलं नाही, ऐकू आलं नाही, पुन्हा, पुन्हा सांगा, परत सांगा, काय म्हणालात,
रिपीट करा, आवाज येत नाही"""

REPEAT_ALONE = """kay, kaay, kay kay, kaay mhane, sanga, bola, kay ho, ho bola, ho sanga,
ha bola, haan bola, bola na, माफ करा"""

OPERATOR = """manasashi bolaycha, manasashi bolayche, mansashi bolaycha aahe,
manasashi bolaycha aahe, manasashi bolu dya, manasashi bola, konashi tari bolaycha,
konashi tari bolaycha aahe, kunashi tari bolaycha aahe, vyaktishi bolaycha aahe,
vyaktishi bolaycha, vyaktishi bolayche aahe, bolaycha aahe, bolayche aahe, mala bolaycha aahe,
adhikari, adhikaryashi bolaycha, pratinidhi, pratinidhishi bolaycha aahe,
managershi bolaycha aahe, manager shi bolaycha, operatorshi bolaycha, operator shi bolaycha,
operator la joda, jodun dya, konala tari dya, konala tari jodun dya, madat havi aahe,
madat pahije, grahak seva, माणसाशी बोलायचं आहे, माणसाशी बोलायचं, कोणाशी तरी बोलायचं आहे,
व्यक्तीशी बोलायचं आहे, बोलायचं आहे, अधिकाऱ्याशी बोलायचं आहे, ऑपरेटर, एजंट, मॅनेजर शी बोलायचं आहे,
मॅनेजरशी बोलायचं आहे, ग्राहक सेवा, मदत हवी आहे, मदत पाहिजे, माणूस पाहिजे"""

OPERATOR_ALONE = """manus, maanus, manasala, vyakti, madat, malak, मॅनेजर, माणूस"""

UNSURE = """mahit nahi, mahiti nahi, mala mahit nahi, thauk nahi, thavuk nahi, kadachit,
sangta yet nahi, sangu shakat nahi, baghto, baghte, baghava lagel, pahto, pahave lagel,
vichar karto, vichar karava lagel, vicharave lagel, nantar sangto, nakki nahi, nakki nahi aahe,
nakki sangta yet nahi, माहीत नाही, माहित नाही, बघतो, विचारून सांगतो"""

ASIDES = "rahe ho, rahi ho"

HOLD = """thamba, thamb, thamba jara, jara thamba, ek minit, ek minit thamba,
ek minute thamba, thoda thamba, nahi thamba, ek second, thaamba"""

HESITATIONS = """dada, bhau, tai, saheb, sir, madam, namaskar, dhanyavad, are, aho, ag, bagha,
mag, tar, pan, ani, aani, ga, ji, na, ho ka, krupaya, baba, mitra, aga"""

FILLERS = """sanga, sang, bola, majhya, mazi, mazya, aahe, ahe, aahet, ahet, aahot, aahes, ha, hi,
he, to, ti, te, mi, me, mala, amhi, aamhi, ami, aamhala, amhala, tumhi, tumhala, tyala, tila, la,
cha, chi, che, chya, ni, ne, kar, kara, karto, karte, karun, karaycha, karaychi, karayche,
karayla, karu, taka, takaa, dya, ghya, de, ghe, ata, aata, ka, re, aamcha, aamchi, majha, majhi,
maji, sathi, order, ordar, orderla, tyachi, tyacha, mhanun, sarva, sagla, sagle, kela, keli, kele,
zala, jhala, zali, jhali, ek, hya, tya, ya, ऑर्डर, करायचं, करायची, करायचे, केली, झाली, मला,
आम्हाला, lavkar, havi, hava, pahije"""

# See words_en: what follows is still to come.
GOES_ON = """ani, aani, pan, parantu, mhanje, karan, kinva, jar, tari, sadharan, sumare, majha,
majhi, number aahe, baghu de, thamba"""

# See words_en. The verb comes last: who ends with one of these is still on the way to it.
SENTENCE_GOES_ON = """mi, me, majhe, mazhe, mala, amhi, amhala, tumhi, tumhala, tyacha, tichi, jo,
jevha, jithe, ki, cha, chi, che, chya, la, ne, madhe, var, paryant, sathi, khup, fakt, ek, don,
pan, tar, suddha, hi"""

# See words_en; one of the second table begins the main clause.
SUBORDINATES = """jar, jevha, jenvha, karan"""
MAIN_CLAUSES = """tar, tevha, tenvha"""
