"""How callers say yes, no, again and "a person" in English, with a small recogniser's slips.

Phrases are lower case, without apostrophes, parted by commas. What each table means for the
meaning of a sentence is said in `vocabulary.py`.
"""

YES = """yes, yeah, yep, yup, yea, yah, ya, yeh, yess, yas, yis, yes sir, yes yes, yeah yeah,
yes maam, absolutely, definitely, certainly, affirmative, of course, for sure, by all means,
why not, no problem, no problem at all, no problems, no issue, no issues, not a problem,
no worries, not at all a problem, correct, that is correct, thats correct, that is right,
thats right, exactly, indeed, you bet, yes please, yes of course, without a doubt, no doubt,
i dont mind, we dont mind, i do not mind, no objection, not an issue"""

YES_VERBS = """confirm, confirmed, confirming, i confirm, conform, accept, accepted, accepting,
except, excepted, approve, approved, agree, agreed, affirm, take it, take the order,
taking the order, we are taking it, count me in, i am in, im in, make it, we will make it"""

YES_POLITE = """ok, okay, okey, okie, o k, alright, all right, fine, sure, surely, sure thing,
go ahead, go for it, carry on, proceed, right, good, great, perfect, done, do it, please do,
do that, that works, works for me, that is fine, thats fine, thats ok, thats okay, cool,
very good, very well, sounds good, looks good, i am ready, we are ready, will do, can do,
can do it, we can do it, i can do it, we will do it, i will do it, i will take it,
we will take it, we can take it, ill take it, ill do it, well do it, you got it, it is ok, its ok,
its fine, it is fine, fine by me, fine with me, ok by me"""

YES_DOUBTFUL = """i guess so, i think so, i suppose so, i guess, hopefully, should be fine"""

YES_ALONE = """ready, uh huh, mm hmm, mhm, mm hm, i do, we do, i am, we are, i will, we will,
i can, we can, i did, okay then, ok then, got it"""

NO = """no, nope, nah, naw, noh, negative, never, no no, no sir, no maam, no way, no chance,
not at all, no thanks, no thank you, absolutely not, definitely not, certainly not, of course not,
not really, not now, not today, not possible, no please, oh no, not this time, not interested,
no never, not ok, not okay, not fine, not good, not right, not correct, sorry no"""

NO_VERBS = """reject, rejected, rejecting, cancel, cancelled, canceled, cancelling, canceling,
cancellation, decline, declined, declining, refuse, refused, deny, denied, drop it, leave it,
forget it, skip it, unavailable, not available, out of stock, sold out, no stock, impossible,
too busy, we are closed, im closed, pass on it, disagree"""

NO_ALONE = """know, nay, na, no go, no can do, none, nothing, pass, busy, very busy"""

# A negation and what it does to the phrase behind it; "don't" alone is a no.
NEGATE = """not, dont, do not, don t, cant, can t, cannot, can not, wont, won t, will not, doesnt,
does not, isnt, is not, arent, are not, didnt, did not, wouldnt, would not, shouldnt, should not,
couldnt, could not, without, havent, have not, aint, was not, wasnt, never"""
REFUSE = """dont want, dont want to, do not want, do not want to, no need, no need to,
no need for, dont need, do not need, unable to, unable, not able to, not going to, not ready to,
not willing to, cant do, cant do it, cannot do, cannot do it, can not do it, cant do that,
wont do, wont do it, cant make it, cannot make it, cant take it, cannot take it, cant take,
cannot take, cant deliver, cannot deliver, wont be able, will not be able, i am not, i cant,
i cannot, we cant, we cannot, i wont, we wont, we do not, we dont, i dont, i do not, dont do it,
do not do it, not doing, not taking"""

REPEAT = """repeat, repeat it, repeat that, repeat please, repeat the order, repeat again,
repeating, say again, say that again, say it again, tell me again, tell again, once more,
once again, one more time, come again, pardon me, i beg your pardon, beg your pardon,
what did you say, what was that, what was it, sorry what, i did not hear, i didnt hear,
didnt hear you, did not hear you, didnt hear that, cant hear you, cannot hear you, i cant hear,
couldnt hear you, could not hear you, didnt catch that, did not catch that, didnt get that,
did not get that, didnt get it, i didnt understand, didnt understand, did not understand,
dont understand, do not understand, play again, play it again, replay, hear it again,
hear that again, hear again, listen again, read it again, read again, start over, over again,
what did you just say, speak again, say what"""

REPEAT_ALONE = """what, pardon, again, huh, sorry, excuse me, come again please, what what,
repeat repeat, again please, sorry again, hear, repeated, repeats, what is it, yes tell me,
yes speaking, yeah speaking, speaking"""

OPERATOR = """operator, agent, representative, real person, real human, human being, live agent,
live person, live operator, customer care, customer service, customer support, call center,
call centre, help desk, helpdesk, speak to a person, talk to a person, speak to a human,
talk to a human, speak to someone, talk to someone, speak to somebody, talk to somebody,
talk to a real person, speak to an agent, talk to an agent, speak to the manager,
talk to the manager, speak to a manager, talk to a manager, speak to your manager, connect me,
connect me to a person, connect me to someone, connect to agent, transfer me, transfer the call,
transfer my call, put me through, get me a person, give me a person, i want a person,
i want a human, i need a person, need a human, need an agent, i need help, support person,
support executive, customer executive, speak with a person, speak with someone, talk with someone,
speak to staff, upper rater"""

OPERATOR_ALONE = """person, human, help, help me, executive, supervisor, manager, somebody,
someone, a person, the manager, staff, support, people, parson, a prison"""

UNSURE = """maybe, perhaps, may be, not sure, i am not sure, im not sure, i dont know,
i do not know, dont know, do not know, no idea, not certain, might be, let me think, let me check,
let me see, depends, it depends, cant say, cannot say, not yet, i have to check,
ill think about it, have to think, need to check, who knows, what do you mean, i have a question,
confused"""

HOLD = """wait, wait a minute, wait a second, hold on, one second, one moment, just a minute,
just a second, just a moment, hang on, give me a second, give me a minute, give me a moment,
no wait, no no wait, hold, please hold, hold please, a moment"""

ASIDES = """i know, you know, let me know, i see, oh no problem with that"""

# Sounds before or after an answer, and greetings; an answer may stand at their edge.
HESITATIONS = """um, umm, uh, ah, aah, oh, er, erm, eh, hm, hmm, mm, m, well, so, hello, hi, hey,
sir, madam, maam, mam, miss, mister, please, plz, kindly, thanks, thank, you, dear, friend,
brother, sorry, actually, then, now, just, look, see, like, also, and, but, boss, man, buddy, too,
thank you, alo"""

FILLERS = """a, an, the, it, its, this, that, thats, these, those, is, are, was, be, been, am, i,
im, ive, ill, id, we, were, well, your, my, me, our, us, he, she, they, them, their, to, of, in,
on, at, for, with, or, than, only, very, really, mean, think, want, wanna, would, like, have, has,
had, do, does, did, can, could, will, shall, should, going, gonna, go, get, got, let, lets, here,
there, up, by, as, if, about, from, into, order, orders, food, item, items, delivery, call, say,
said, saying, tell, need, some, one, any, all, yet, still, already, able, be able, again, out,
off, yours, may, might, must, thing, things, today, everything, it all, both, because, right now,
who, all of it, ma"""

# Who ends with one of these isn't finished.
GOES_ON = """and, or, but, because, so, if, um, umm, uh, er, erm, hmm, hm, mm, the, a, an, my, is,
to, for, of, with, about, around, like, actually, well, i mean, i think, it is, its, i, we,
the number is, let me see, let me check, let me think, maybe, plus, double, triple"""

# In free speech these, too, stand before what is still to come; as an answer they may be all.
SENTENCE_GOES_ON = """your, his, her, our, their, its, some, any, every, each, at, from, in, on,
by, into, onto, than, as, under, over, near, between, during, without, until, till, through, per,
are, was, were, be, been, am, have, has, had, will, would, can, could, should, may, might, must,
do, does, did, dont, doesnt, didnt, cant, wont, isnt, arent, wasnt, im, youre, were, theyre, thats,
hes, shes, theres, ive, youve, weve, theyve, youll, theyll, youd, when, where, who,
which, whose, while, whether, that, since, although, though, unless, before, after, what, why, how,
he, she, they, also, then, very, too, only, just, not, never, want, need, press, dial, enter,
extension, order number, the order, my order number, room, flat, street, change, give,
gave, send, sent, bring, brought, buy, bought, put, make, made, tell"""

# ... and these may be all, or not.
SENTENCE_MAY_GO_ON = """you, number"""

# Who begins with one of these has a main clause to come, behind a comma.
SUBORDINATES = """to, if, because, while, unless, although, though, once, as soon as, in case, when,
after, before, since, until"""

# "... where my order is": the verb of an indirect question comes last.
INDIRECT_QUESTIONS = """where, what, who, how, when, which, whose, why"""
LAST_VERBS = """is, are, was, were"""

# "They are currently ...", "it was successfully ..."
BEFORE_ADVERBS = """am, is, are, was, were, be, been, has, have, had, its, im, youre, theyre"""
ADVERB_ENDING = "ly"
