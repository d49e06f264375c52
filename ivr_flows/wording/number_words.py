"""The names of the numbers, by word, in English, Hindi and Marathi, in both scripts.

Hindi and Marathi have a name of its own for every number below 100. Each list goes up from 0;
spellings of one number are parted by "/". Latin spellings need not be listed where
`sounds.fold` makes them equal to the Devanagari one.
"""

ENGLISH_UNITS = """zero/nought/nil one two three four five six seven eight nine ten eleven twelve
thirteen fourteen/forteen fifteen/fiveteen sixteen seventeen eighteen/eightteen nineteen"""
# 20, 30, ... 90
ENGLISH_TENS = """twenty/twenny/tweny/twinty thirty/therty/thurty forty/fourty fifty/fivety sixty
seventy/sevendy eighty/eightty ninety/ninty"""

# What a small recogniser writes for a digit. Most are words of their own, so they count only
# where a number must stand: before "minutes", after "twenty", among other digits, or alone.
ENGLISH_SLIPS: dict[str, int] = {
    "to": 2, "too": 2, "tu": 2, "for": 4, "fore": 4, "won": 1, "ate": 8, "tree": 3, "free": 3,
    "fife": 5, "hive": 5, "sicks": 6, "sex": 6, "nein": 9, "mine": 9, "nain": 9, "sven": 7,
    "aid": 8, "wan": 1, "thre": 3, "tew": 2, "sax": 6, "then": 10, "tan": 10,
}  # fmt: skip
# A zero only among digits.
SPOKEN_ZEROS = frozenset({"o", "oh", "ow"})

HINDI = """शून्य/सिफर/जीरो एक दो तीन चार पाँच/पांच/पाच छह/छः/छे/छ/छै सात आठ नौ दस ग्यारह बारह तेरह
चौदह पंद्रह/पन्द्रह सोलह सत्रह अठारह/अट्ठारह उन्नीस बीस इक्कीस बाईस/बाइस तेईस/तेइस चौबीस
पच्चीस/पचीस छब्बीस सत्ताईस/सत्ताइस अट्ठाईस/अट्ठाइस/अठाईस/अठाइस उनतीस/उन्तीस तीस
इकतीस/इकत्तीस बत्तीस तैंतीस/तेंतीस/तैतीस चौंतीस/चौतीस पैंतीस/पैतीस छत्तीस सैंतीस/सैतीस
अड़तीस उनतालीस/उन्तालीस/उनचालीस चालीस इकतालीस/इकतालिस बयालीस/बयालिस
तैंतालीस/तिरतालीस/तैतालीस चौवालीस/चवालीस/चौंतालीस/चौआलीस पैंतालीस/पैतालीस छियालीस
सैंतालीस/सैतालीस अड़तालीस उनचास/उन्चास पचास इक्यावन/इक्कावन बावन तिरपन/तिरेपन चौवन/चव्वन
पचपन छप्पन सत्तावन अट्ठावन/अठावन उनसठ साठ इकसठ बासठ तिरसठ/तिरेसठ चौंसठ/चौसठ पैंसठ/पैसठ
छियासठ सड़सठ/सरसठ अड़सठ उनहत्तर सत्तर इकहत्तर/इखत्तर बहत्तर तिहत्तर चौहत्तर
पचहत्तर/पिचहत्तर/पिछत्तर छिहत्तर सतहत्तर अठहत्तर उन्यासी/उनासी/उन्नासी अस्सी इक्यासी
बयासी तिरासी चौरासी पचासी छियासी सत्तासी/सतासी अट्ठासी/अठासी नवासी नब्बे
इक्यानवे/इक्यानबे बानवे/बानबे तिरानवे/तिरानबे चौरानवे/चौरानबे
पचानवे/पंचानवे/पंचानबे/पचानबे छियानवे/छियानबे सत्तानवे/सत्तानबे अट्ठानवे/अठानवे/अट्ठानबे
निन्यानवे/निन्यानबे"""

# Latin spellings that fold to something else than the Devanagari ones.
HINDI_LATIN: dict[int, str] = {
    0: "shunya shoonya sunya sifar jeero", 1: "ek aik", 2: "do", 3: "teen", 4: "char chaar chahr",
    5: "paanch panch pach paach", 6: "chhah chhe che chhai cheh chha chai chay", 7: "saat sat",
    8: "aath ath aat", 9: "nau naw nao", 10: "das dus", 11: "gyarah gyara gyaarah giyarah gyareh",
    12: "barah bara baarah", 13: "terah tera tehra", 14: "chaudah chauda chodah choda chaudha",
    15: "pandrah pandra pandhra pandhrah pundrah", 16: "solah sola", 17: "satrah satra sattrah",
    18: "atharah athara athaarah attharah", 19: "unnis unnees", 20: "bees bis beez",
    21: "ikkis ikkees ikees", 22: "bais baees baais", 23: "teis teyis tehis",
    24: "chaubis chobis", 25: "pachis pachees pacchis pachchis", 26: "chhabbis chabbis chabis",
    27: "sattais sataees satais", 28: "atthais athais athaais attais", 29: "untis unatis unattis",
    30: "tees tis teez", 31: "iktis ikattis ikatis", 32: "battis batis",
    33: "taintis tentis taitis", 34: "chautis chauntis", 35: "paintis pentis paitis",
    36: "chhattis chattis chatis", 37: "saintis sentis saitis",
    38: "adtis artis arhtis artees adhtis", 39: "untalis unchalis unatalis", 40: "chalis chaalis",
    41: "iktalis iktaalis", 42: "bayalis byalis", 43: "taintalis tentalis",
    44: "chavalis chauvalis", 45: "paintalis pentalis paitalis", 46: "chhiyalis chiyalis",
    47: "saintalis sentalis", 48: "adtalis artalis", 49: "unchas unchaas", 50: "pachas pachaas",
    51: "ikyavan ikyawan", 52: "bavan bawan", 53: "tirpan tirepan", 54: "chauvan chawan",
    55: "pachpan", 56: "chhappan", 57: "sattavan satawan", 58: "atthavan athavan", 59: "unsath",
    60: "saath sath", 61: "iksath", 62: "basath", 63: "tirsath", 64: "chausath chaunsath",
    65: "painsath pensath", 66: "chhiyasath", 67: "sadsath sarsath", 68: "adsath arsath",
    69: "unhattar", 70: "sattar", 71: "ikhattar", 72: "bahattar", 73: "tihattar",
    74: "chauhattar", 75: "pachhattar pichattar", 76: "chhihattar", 77: "satahattar sathattar",
    78: "athahattar", 79: "unyasi unasi", 80: "assi asi", 81: "ikyasi", 82: "bayasi",
    83: "tirasi", 84: "chaurasi", 85: "pachasi", 86: "chhiyasi", 87: "sattasi", 88: "atthasi",
    89: "navasi nawasi", 90: "nabbe nabe", 91: "ikyanve ikyanwe", 92: "banve banwe",
    93: "tiranve", 94: "chauranve", 95: "pachanve panchanve", 96: "chhiyanve", 97: "sattanve",
    98: "atthanve", 99: "ninyanve ninanve",
}  # fmt: skip

MARATHI = """शून्य/झिरो एक दोन तीन चार पाच सहा सात आठ नऊ दहा अकरा बारा तेरा चौदा पंधरा सोळा सतरा अठरा
एकोणीस/एकोणवीस वीस एकवीस बावीस तेवीस चोवीस/चौवीस पंचवीस सव्वीस सत्तावीस अठ्ठावीस/अठावीस
एकोणतीस तीस एकतीस बत्तीस तेहेतीस/तेहतीस/तेहत्तीस चौतीस/चौतिस पस्तीस छत्तीस सदतीस अडतीस
एकोणचाळीस चाळीस एक्केचाळीस/एकेचाळीस बेचाळीस त्रेचाळीस चव्वेचाळीस/चौवेचाळीस
पंचेचाळीस/पंचेचाळिस सेहेचाळीस/शेहेचाळीस/सेहचाळीस सत्तेचाळीस अठ्ठेचाळीस एकोणपन्नास पन्नास
एक्कावन्न/एकावन्न बावन्न त्रेपन्न चोपन्न/चौपन्न पंचावन्न छप्पन्न सत्तावन्न अठ्ठावन्न
एकोणसाठ साठ एकसष्ट/एकसष्ठ बासष्ट/बासष्ठ त्रेसष्ट/त्रेसष्ठ चौसष्ट/चौसष्ठ पासष्ट/पासष्ठ
सहासष्ट/सहासष्ठ/सासष्ट सदुसष्ट/सदुसष्ठ अडुसष्ट/अडुसष्ठ एकोणसत्तर सत्तर एकाहत्तर बाहत्तर
त्र्याहत्तर चौऱ्याहत्तर पंच्याहत्तर शहात्तर/श्याहत्तर सत्त्याहत्तर अठ्ठ्याहत्तर
एकोणऐंशी/एकोणएंशी ऐंशी/एंशी एक्क्याऐंशी/एक्याऐंशी ब्याऐंशी त्र्याऐंशी चौऱ्याऐंशी
पंच्याऐंशी शहाऐंशी/श्याऐंशी सत्त्याऐंशी अठ्ठ्याऐंशी एकोणनव्वद नव्वद एक्क्याण्णव/एक्याण्णव
ब्याण्णव त्र्याण्णव चौऱ्याण्णव पंच्याण्णव शहाण्णव/श्याण्णव सत्त्याण्णव अठ्ठ्याण्णव
नव्व्याण्णव"""

MARATHI_LATIN: dict[int, str] = {
    2: "don dona", 5: "pach paach", 6: "saha sahaa", 9: "nau nav nauu", 10: "daha dahaa",
    11: "akra akara", 12: "bara baara", 13: "tera tehra", 14: "chauda choda",
    15: "pandhra pandhara", 16: "sola solaa", 17: "satra satara", 18: "athra athara",
    19: "ekonis ekonees ekunis", 20: "vees vis wees", 21: "ekvis ekvees", 22: "bavis bawis",
    23: "tevis", 24: "chovis chowis", 25: "panchvis pachvis panchavis pachvees",
    26: "savvis savis sawwis", 27: "sattavis satavis", 28: "atthavis athavis",
    29: "ekontis ekuntis", 30: "tis tees", 33: "tehtis tehetis", 34: "chautis",
    35: "pastis pastees", 37: "sadtis sadatis", 38: "adtis", 39: "ekonchalis ekunchalis",
    40: "chalis chalees", 41: "ekkechalis ekechalis", 42: "bechalis", 43: "trechalis",
    44: "chavvechalis", 45: "panchechalis pachechalis", 46: "sehechalis shehechalis",
    47: "sattechalis", 48: "atthechalis", 49: "ekonpannas ekunpannas", 50: "pannas panas",
    51: "ekkavan ekavan", 52: "bavan", 53: "trepan", 54: "chopan", 55: "panchavan", 56: "chappan",
    57: "sattavan", 58: "atthavan", 59: "ekonsath", 60: "saath sath", 61: "eksasht eksast",
    62: "basasht", 63: "tresasht", 64: "chausasht", 65: "pasasht", 66: "sahasasht",
    67: "sadusasht", 68: "adusasht", 69: "ekonsattar", 71: "ekahattar", 72: "bahattar",
    73: "tryahattar", 74: "chauryahattar", 75: "panchyahattar", 76: "shahattar",
    77: "sattyahattar", 78: "atthyahattar", 79: "ekonainshi ekonaishi",
    80: "ainshi aishi ainsi aishee", 85: "panchyainshi panchyaaishi", 89: "ekonnavvad",
    90: "navvad navad", 95: "panchyannav", 99: "navvyannav",
}  # fmt: skip

# "दोनशे": the hundreds that Marathi writes as one word.
MARATHI_HUNDREDS: dict[int, str] = {
    1: "एकशे ekshe eksha", 2: "दोनशे donshe donashe", 3: "तीनशे teenshe tinshe tinashe",
    4: "चारशे charshe", 5: "पाचशे pachshe paachshe", 6: "सहाशे sahashe",
    7: "सातशे saatshe satshe", 8: "आठशे aathshe athshe", 9: "नऊशे nauushe naushe navshe",
}  # fmt: skip

SCALES: dict[int, str] = {
    100: "hundred hundreds hundered सौ sau saikda सैकड़ा शंभर shambhar shambar शे she shee",
    1_000: "thousand thousands हजार hajar hazaar hazar",
    100_000: "lakh lakhs lac लाख laakh",
    10_000_000: "crore crores करोड़ karod कोटी koti",
}

# Values that are no whole number, and the words that change the number after them:
# "sava do" 2.25, "paune do" 1.75, "saadhe teen" 3.5.
FRACTIONS: dict[float, str] = {
    0.5: "half haf आधा आधे आधी aadha adha aadhe adhe aadhi अर्धा अर्धे अर्ध्या ardha ardhya ardhe",
    0.25: "quarter quarters pav paav पाव",
    0.75: "pauna paune paun pona paaun paauna पौन पौना पौने पाऊण paauun paoon",
    1.25: "sava savva sawa सवा सव्वा",
    1.5: "dedh derh dhed dehd डेढ़ दीड deed did dheed",
    2.5: "dhai dhaai adhai adhaai ढाई अढ़ाई अडीच adich adeech adhich",
}
ADDED_BEFORE: dict[float, str] = {
    0.25: "sava savva sawa सवा सव्वा",
    -0.25: "paune pauna paun pone पौने पाऊणे पावणे pavne",
    0.5: "saadhe sadhe saade sade साढ़े साडे",
}

# The same written as one word with the number: "साडेतीन", "savvadon". Value added, the least number
# that it is said before, and its spellings.
JOINED_BEFORE: tuple[tuple[float, int, str], ...] = (
    (0.25, 2, "सव्वा सवा savva sava"),
    (-0.25, 2, "पावणे पाऊणे पौने pavne paune"),
    (0.5, 3, "साडे साढ़े sade saade saadhe sadhe"),
)
MOST_JOINED = 12

# Words of English, or particles of Hindi and Marathi, that are spelt like a number of another
# language: in a call of that language they count only where a number must stand.
LOOKALIKES: dict[str, str] = {
    "en": "do don sat tin das dus char chai chay nav now naw nao nau pav tera bara sola tis deed"
    " did ath aat saha sath she shee koti pone pona lac asi ase sava sade bis dona",
    "hi": "tera don dona deed did she shee naw nav now saha chai chay",
    "mr": "naw now chai chay did",
}
# Of these and of the slips, what is taken for a number when nothing else was said.
NUMBERS_WHEN_ALONE = """to too tu for fore won ate tree fife sicks sex do don sat das dus char bis
aath ath bara sola nau tera saha sath chhe"""

MULTIPLES: dict[int, str] = {2: "double dubble dabal dubal डबल", 3: "triple tripple tripal ट्रिपल"}
OTHER_NUMBERS: dict[int, str] = {2: "couple", 12: "dozen darjan दर्जन"}

MINUTES_PER_UNIT: dict[float, str] = {
    1: "minute minutes min mins minit minat minut minuts mint mints mintes minuets"
    " minutos menit minitat minitaat minitant minitaant minitanmadhye minitan mintat"
    " मिनट मिनटों मिनिट मिनिटे मिनिटं मिनिटात मिनिटांत मिनिटांनी मिन्ट मिंट",
    60: "hour hours hr hrs ghanta ghante ghanto ghanton ganta gante"
    " taas tas taasa tasa taasat tasat tasaat taasaat tasabharat tasbhar taasbhar tasant"
    " घंटा घंटे घंटों घण्टा घण्टे तास तासा तासात तासांत तासाभरात तासभर",
    1 / 60: "second seconds sec secs sekand sekend सेकंड सेकेंड सेकण्ड",
    1440: "day days din divas दिन दिवस",
}
