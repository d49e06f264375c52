"""The words of the callers in the table on turn taking, and where their recordings lie."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Reading:
    """A piece of a recording in the Moonshine wheel with a pause of the reader's own inside."""

    file: str
    start_ms: int
    end_ms: int


# Recorded: text -> the file below the folder of asterisk-core-sounds-en-wav, without ".wav".

RECORDED_SHORT: Final[dict[str, dict[str, str]]] = {
    "answers": {
        "no": "vm-no",
        "goodbye": "goodbye",
        "good bye": "vm-goodbye",
        "hello": "hello",
        "hello world": "hello-world",
        "cancelled": "cancelled",
        "agent": "spy-agent",
        "thank you": "auth-thankyou",
        "urgent": "vm-Urgent",
        "I'm sorry": "im-sorry",
        "work": "vm-Work",
    },
    "days": {
        "Sunday": "digits/day-0",
        "Monday": "digits/day-1",
        "Tuesday": "digits/day-2",
        "Wednesday": "digits/day-3",
        "Thursday": "digits/day-4",
        "Friday": "digits/day-5",
        "Saturday": "digits/day-6",
        "today": "digits/today",
        "tomorrow": "digits/tomorrow",
        "yesterday": "digits/yesterday",
    },
    "number": {
        "zero": "digits/0",
        "one": "digits/1",
        "two": "digits/2",
        "three": "digits/3",
        "four": "digits/4",
        "five": "digits/5",
        "six": "digits/6",
        "seven": "digits/7",
        "eight": "digits/8",
        "nine": "digits/9",
        "ten": "digits/10",
        "twelve": "digits/12",
        "fifteen": "digits/15",
        "twenty": "digits/20",
        "thirty": "digits/30",
        "fifty": "digits/50",
    },
}
SHORT: Final[dict[str, tuple[str, ...]]] = {
    "answers": ("yes", "no", "yes please", "no thanks", "okay", "agent", "cancel it", "bye bye"),
    "days": ("on Monday", "on Friday", "tomorrow", "Wednesday"),
    "number": ("seven", "eleven", "twenty five", "forty two"),
}

RECORDED_SENTENCES: Final[dict[str, str]] = {
    "The number is not answering.": "number-not-answering",
    "Your call cannot be completed as dialed.": "cannot-complete-as-dialed",
    "Please check the number and dial again.": "check-number-dial-again",
    "You are currently the only person in this conference.": "conf-onlyperson",
    "The conference is now locked.": "conf-lockednow",
    "The conference has been extended.": "conf-extended",
    "The leader has left the conference.": "conf-leaderhasleft",
    "The conference will begin when the leader arrives.": "conf-waitforleader",
    "No empty conferences currently exist.": "conf-noempty",
    "I'm sorry there are no matches for those keywords.": "demo-nomatch",
    "That feature is not available on this line.": "feature-not-avail-line",
    "Please hold while I try to locate the person you are calling.": "followme/pls-hold-while-try",
    "Please hold while we try to connect you.": "pls-hold-while-try",
    "Please try your call again later.": "please-try-call-later",
    "Please enter the number to be blacklisted.": "enter-num-blacklist",
    "There are no more compatible entries in the directory.": "dir-nomore",
    "The party you are trying to reach does not accept unidentified calls.": "privacy-unident",
    "At the tone, please say your name.": "priv-recordintro",
    "Thank you for your patience.": "queue-thankyou",
    "Sorry you're having problems.": "sorry-youre-having-problems",
    "Something is terribly wrong.": "something-terribly-wrong",
    "Weasels have eaten our phone system.": "tt-weasels",
    "They have been carried away by monkeys.": "tt-monkeysintro",
    "Please wait while I connect your call.": "vm-dialout",
    "Please enter the number you wish to call.": "vm-enter-num-to-call",
    "Sorry but the user's mail box can't accept more messages.": "vm-mailboxfull",
    "Your message has been saved.": "vm-msgsaved",
    "Nobody is available to take your call at the moment.": "vm-nobodyavail",
    "I'm afraid I don't know who sent this message.": "vm-nonumber",
    "Your passwords have been changed.": "vm-passchanged",
    "Which folder should I save the message to?": "vm-savefolder",
    "I'm sorry I did not understand your response.": "vm-sorry",
    "Your temporary greeting is currently active.": "vm-tempgreetactive",
    "Your message is too short.": "vm-tooshort",
    "To leave a message, please enter a mailbox number.": "vm-whichbox",
}
SENTENCES: Final = (
    "I would like to know where my order is.",
    "The rider has not come yet and the food is getting cold.",
    "Can you please change the address of my delivery?",
    "I was charged twice for the same order yesterday.",
    "We are out of paneer today, so please cancel it.",
    "What time do you close on Sunday evening?",
    "My phone number has changed since the last time.",
    "I want to speak to somebody about a refund.",
    "The parcel was left at the wrong door again.",
)

# An answer that is not finished at its pause: its parts as recordings, and its text.
PAUSED_RECORDED: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "digits": (
        ("digits/4 digits/5", "digits/1 digits/2"),
        ("digits/2 digits/0", "digits/7 digits/8"),
        ("digits/9", "digits/3 digits/1 digits/6"),
        ("digits/6 digits/6 digits/1", "digits/3"),
        ("digits/8 digits/5 digits/4", "digits/7"),
        ("digits/1 digits/9", "digits/0 digits/4"),
    ),
    "speech": (
        ("vm-num-i-have", "digits/4 digits/5 digits/1 digits/2"),
        ("at-tone-time-exactly", "digits/7 digits/oclock"),
        ("vm-theperson", "vm-isonphone"),
        ("vm-theperson", "vm-isunavail"),
        ("conf-thereare", "digits/6", "conf-otherinparty"),
        ("vm-duration", "digits/3 vm-minutes"),
        ("if-correct-press", "digits/1"),
        ("num-was-successfully", "activated"),
        ("queue-holdtime", "digits/5 queue-minutes"),
        ("queue-less-than", "digits/9 queue-minutes"),
        ("conf-enteringno", "digits/5 digits/8"),
        ("vm-from-extension", "digits/2 digits/3"),
        ("vm-youhave", "digits/10 vm-INBOX vm-messages"),
        ("queue-thereare", "digits/8"),
        ("confbridge-leave-in", "vm-press digits/3"),
        ("vm-press", "digits/star", "vm-for"),
    ),
}
PAUSED_SPOKEN: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "digits": (("three eight", "one five"), ("seven", "seven two four")),
    "speech": (
        ("I would like to order two", "no, three pizzas."),
        ("My name is", "Suresh Patil."),
        ("I live in the second lane and", "the gate is green."),
        ("Could you tell me when the", "um, when the rider comes?"),
        ("It was delivered on Monday but", "the box was open."),
        ("I need to change", "the address of my order."),
    ),
    "answers": (("no", "wait, yes."), ("yes but", "cancel it.")),
}
READINGS: Final = (
    Reading("two_cities", 5040, 8030),
    Reading("two_cities", 8820, 12710),
    Reading("two_cities", 13490, 16640),
    Reading("two_cities", 24660, 28200),
    Reading("two_cities", 29950, 36460),
    Reading("two_cities", 37010, 41610),
    Reading("beckett", 1700, 5500),
    Reading("beckett", 6670, 9960),
)

RECORDED_INTERRUPTIONS: Final[dict[str, str]] = {
    "One moment, please.": "one-moment-please",
    "Please hold while I try that extension.": "transfer",
    "That option is invalid. Please try again.": "pm-invalid-option",
    "please try again": "vm-pls-try-again",
    "I'm sorry I did not understand your response.": "vm-sorry",
    "No more messages.": "vm-nomore",
    "Do not disturb.": "do-not-disturb",
    "Please check the number and dial again.": "check-number-dial-again",
}
INTERRUPTIONS: Final = (
    "wait",
    "no no, stop",
    "wait a minute please",
    "no, that is not my order",
    "what did you say?",
    "stop, I want to cancel it",
    "who is calling?",
    "can I say something?",
    "I have already paid for it",
    "listen, I am not at home today",
)

BACKCHANNELS: Final = ("hmm", "mm hmm", "okay", "ok", "right", "yes", "uh huh", "I see", "yeah")
SAID_AS: Final = {"hmm": "hum", "mm hmm": "um hum"}
"""For voices that would spell them: flite says "hmm" as "aitch em em", espeak the "mm" as "em em".
"""
BACKCHANNELS_HI: Final = ("हाँ", "अच्छा", "ठीक है", "हाँ जी", "जी")
BACKCHANNELS_MR: Final = ("हो", "बरं")
