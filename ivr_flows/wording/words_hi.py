"""How callers say yes, no, again and "a person" in Hindi, as people type it in Latin letters.

Devanagari comes to the same keys by `devanagari.romanise`; only words that it would spell
otherwise stand here in Devanagari too.
"""

YES = """haan, haa, haanji, hanji, haan ji, ji haan, haji, ji ha, ha ji, haan haan, haan bhai,
ji bilkul, bilkul, bilkul sahi, zaroor, jaroor, zarur, jarur, sahi hai, sahi baat hai, kyun nahi,
kyon nahi, kyu nahi, koi baat nahi, koi baat nahin, koi dikkat nahi, koi dikkat nahin,
koi problem nahi, koi pareshani nahi, koi samasya nahi, dikkat nahi hai, beshak, avashya, avashy,
hamee, haami, यस, येस, यॅस, हां जी, क्यों नहीं, कोई बात नहीं, कोई दिक्कत नहीं"""

YES_VERBS = """manzoor, manzur, manjoor, manjur, manzoor hai, manjoor hai, sweekar, svikar,
sweekar hai, svikar hai, sveekaar, pakka, pakka hai, pakka karo, pakka kar do, kabool, kabul,
qubool, kabool hai, qubool hai, order le liya, hami bharta hoon, raazi, razi, razi hoon,
tayyar hoon, taiyar hoon, taiyaar hain, कन्फर्म, कंफर्म, कन्फ़र्म, कनफर्म, एक्सेप्ट, ऐक्सेप्ट,
अक्सेप्ट, एक्सेप्टेड, कन्फर्म्ड, अप्रूव"""

YES_POLITE = """theek hai, thik hai, theek, thik, teek hai, tik hai, theek he, thik he,
theek rahega, chalo, chalega, chalta hai, chalo theek hai, kar do, kar dijiye, kardo, kar dena,
kar dijiyega, kar lo, kar lenge, kar do na, haan kar do, karo, kijiye, kariye, karie, karein,
kar den, kar dein, ho jayega, ho jaega, ho jaayega, kar denge, kar dunga, kar doonga, kar dega,
de denge, de dunga, bana denge, bana dunga, bana lenge, le lenge, le lunga, le loonga, bhej do,
bhej dijiye, bhejo, bhej denge, de do, de dijiye, badhiya, bahut badhiya, aage badho,
aage badhiye, achha hai, accha hai, achcha hai, achha theek hai, accha theek hai, acha thik hai,
sahi, ओके, ओ के, ओक, फाइन, डन"""

YES_DOUBTFUL = """achha, accha, acha, achcha, shayad haan, lagta hai, ho sakta hai"""

YES_ALONE = """ji, jee, ha, han, ji ji, hun, hoon, ready hai, sach, haa na"""

NO = """nahi ji, ji nahi, ji nahin, nahi nahi, nahin nahin, sawal hi nahi, na ji, naa ji, nahi bhai,
abhi nahi, abhi nahin, aaj nahi, theek nahi, theek nahi hai, thik nahi hai, sahi nahi hai, मना है,
mana hai, na na, नो, नोप, nahi theek nahi hai, nope nahi"""

NO_VERBS = """radd, rad, radd karo, radd kar do, rad kar do, rad karo, mana, mana kar do,
mana karo, mana karta hoon, mana kar diya, inkaar, inkar, asweekar, asvikar, namanzoor, namanjoor,
na manzoor, na manjoor, rehne do, rahne do, rehne dijiye, rahne dijiye, chhod do, chod do, chhodo,
chhod dijiye, jaane do, jane do, jane dijiye, hata do, hatao, band karo, band kar do, band hai,
khatam ho gaya, khatam hai, khatm ho gaya, stock khatam, uplabdh nahi, stock nahi hai,
stock me nahi hai, available nahi hai, possible nahi hai, possible nahi, mumkin nahi, mushkil hai,
dukan band hai, कैंसल, कैंसिल, कैन्सल, कैन्सिल, कॅन्सल, कैंसेल, रिजेक्ट, रीजेक्ट, रिजेक्टेड,
डिक्लाइन"""

NO_ALONE = """na, naa, mushkil, band, khatam, nahi karunga"""

# Behind the word that they deny ("confirm nahi karna"), else an answer of their own.
NEGATE_AFTER = """bilkul nahi, bilkul nahin, kabhi nahi, kabhi nahin, hargiz nahi,
nahi, nahin, nai, nahee, naheen, nay, nahi hai, nahin hai, nahi he,
nahi chahiye, nahin chahiye, nahi chaiye, nai chahiye, nahi karna, nahin karna, nahi karna hai,
nahin karna hai, nahi karenge, nahin karenge, nahi karunga, nahi karoonga, nahi karungi,
nahi hoga, nahin hoga, nahi hogi, nahi ho payega, nahi ho paega, nahi ho paayega, nahin ho payega,
nahi ho sakta, nahin ho sakta, nahi ho sakti, nahi kar sakte, nahin kar sakte, nahi kar sakta,
nahi kar sakti, nahi kar paunga, nahi kar paenge, nahi kar payenge, nahi kar paungi,
nahi de sakte, nahi de paenge, nahi de payenge, nahi le sakte, nahi le sakta, nahi le payenge,
nahi lena, nahi lena hai, nahi lenge, nahi lunga, nahi banega, nahi bana payenge, nahi bana sakte,
nahi dena, nahi ho raha, nahi ho rahi, nahi jaunga, nahi ja sakta, nahi ja paunga, nahi aaunga,
nahi karte, nahi kar raha, nahi kar rahe, nahi hua, nahi kiya, नहीं चाहिए, नहीं होगा, नहीं करना"""
# Before or behind.
FORBID = """mat, mat karo, mat kar, mat karna, mat kijiye, mat kariye, mat karein, mat kar dena,
na karo, na karein, na kare, na karen, na kijiye, mat karo na, mat karwao"""

REPEAT = """dobara, dubara, dobaara, dubaara, dobara boliye, dobara bolo, dobara bataiye,
dobara batao, dobara kahiye, dobara sunao, dobara sunaiye, phir se, fir se, phirse, firse,
phir se bolo, phir se boliye, phir se bataiye, phir se batao, phir se kahiye, fir se bolo,
fir se boliye, fir se bataiye, phir se sunao, ek baar aur, ek bar aur, aur ek baar, ek baar phir,
ek bar phir se, ek baar phir se, kya kaha, kya kaha aapne, kya bola, kya bola aapne,
kya bol rahe ho, kya bol rahe hain, kya kah rahe hain, samajh nahi aaya, samajh nahi aayi,
samajh nahin aaya, samajh me nahi aaya, samjha nahi, samjha nahin, nahi samjha, sunai nahi diya,
sunaai nahin diya, suna nahi, nahi suna, sunai nahi de raha, awaz nahi aayi, awaaz nahi aa rahi,
aawaz nahi aa rahi, wapas bolo, wapas boliye, vapas bolo, vapas boliye, repeat karo,
repeat kijiye, repeat kar do, repeat kariye, dohraiye, dohrao, dohra dijiye, रिपीट, रिपीट कीजिए"""

REPEAT_ALONE = """kya, kya kya, phir, kyaa ji, kya hai, haan kya, han ji kya, ji kya, maaf kijiye,
bolo, boliye, bataiye, haan bolo, haan boliye, haan ji bolo, haan ji boliye, ji bolo, ji boliye,
haan bataiye, haan batao, haan ji bataiye, ji bataiye, haan kahiye, ji kahiye"""

OPERATOR = """kisi se baat, kisi se baat karni hai, kisi se baat karao, kisi se baat karaiye,
kisi se baat karwao, kisi se baat karaye, kisi aadmi se baat, aadmi se baat karni hai,
aadmi se baat, insaan se baat, insaan se baat karni hai, insan se baat karao, manager se baat,
manager se baat karni hai, manager se baat karao, agent se baat karni hai,
operator se baat karni hai, operator se baat karao, vyakti se baat, vyakti se baat karni hai,
baat karni hai, mujhe baat karni hai, baat karwao, baat karwaiye, baat karao, baat karaiye,
baat kara do, baat kara dijiye, baat karwa do, adhikari, adhikari se baat, pratinidhi,
pratinidhi se baat, kastamar keyar, madad chahiye, sahayata chahiye, kisi ko do, kisi ko phone do,
ऑपरेटर, आपरेटर, एजेंट, कस्टमर केयर, मैनेजर से बात, किसी से बात करनी है"""

OPERATOR_ALONE = (
    """insaan, insan, aadmi, vyakti, madad, sahayata, malik, मैनेजर, koi aadmi, ऑपरेटर जी"""
)

UNSURE = """pata nahi, pata nahin, mujhe nahi pata, nahi pata, maloom nahi, malum nahi, shayad,
keh nahi sakte, keh nahi sakta, dekhta hoon, dekhte hain, dekhna padega, dekhunga, sochna padega,
sochta hoon, sochenge, puchna padega, poochna padega, baad me, baad mein batata hoon,
abhi nahi bata sakta, pakka nahi hai, pakka nahi, kuch nahi keh sakte"""

ASIDES = ""

HOLD = """ruko, rukiye, ruk jao, ruko zara, ek minute ruko, ek minute rukiye, ek second,
ek second ruko, thoda ruko, nahi ruko, ek minute, ek min, zara ruko, ruko ruko, ruk"""

HESITATIONS = """ji, bhai, bhaiya, bhaiyya, bhaiyaa, didi, sir, saheb, sahab, saab, are, arey,
arre, accha, achha, acha, toh, to, aur, hello, namaste, namaskar, dhanyavad, shukriya, na, matlab,
suniye, suno, dekho, dekhiye, haanji, yaar, bas, haan to, madam ji, kripya,
हैलो, हेलो, हॅलो, हलो"""

FILLERS = """batao, bataiye, batana, batado, bolo, boliye, mujhko, hai, hain, he, ho, tha, thi,
the, hun, hoon, hu, main, mai, mein, me, men, hum, ham, aap, tum, ye, yeh, yah, wo, woh, vo, voh,
vah, wah, is, us, iska, isko, ise, ka, ki, ke, ko, se, par, pe, bhi, hi, ne, aur, ya, abhi, kar,
karo, karna, karke, karta, karte, karti, karni, karne, karen, karenge, karunga, kiya, kijiye,
dijiye, dena, diya, do, de, denge, lo, le, lena, liya, lenge, gaya, gayi, gaye, jao, jaye, jana,
jaa, raha, rahi, rahe, wala, wali, wale, vala, mera, mere, meri, mujhe, hamara, hamare, hame,
humko, apna, apne, chahiye, chahta, chahte, bol, bola, bolta, raha hoon, order, ordar, khana,
jaldi, wahi, sab, kuch, koi, ab, hua, hui, ek, dono, ऑर्डर, आर्डर, ऑर्डर्स, जल्दी, padega, hoga,
sakte, sakta, tak, liye, ke liye, apko, aapko, aapka"""

# See words_en: what follows is still to come.
GOES_ON = """aur, lekin, magar, par, matlab, kyunki, kyonki, kyuki, ya, ya phir, agar, phir bhi,
isliye, yaani, yani, jaise, woh, wo, karib, lagbhag, mera, mere, number hai, sochne do,
dekhne do, ek minute, ek second, डबल"""

# See words_en. The verb comes last: who ends with a postposition is still on the way to it.
SENTENCE_GOES_ON = """ka, ki, ke, mein, me, se, ko, ne, tak, ke liye, liye, wala, wali, wale, jo,
jab, jahan, jitna, kyun, kyon, main, mai, hum, aap, apna, apni, apne, meri, mujhe, hamara, hamare,
uska, uski, iska, iski, ek, do, teen, bahut, sirf, nahin to, toh, to, agar, ki agar, bhi, hi"""

# See words_en; one of the second table begins the main clause.
SUBORDINATES = """agar, yadi, jab, jaise hi, kyunki"""
MAIN_CLAUSES = """to, toh, tab"""
