"""Indic Parler's voices, and the sentence in English that tells the model how to speak. Pure.

The model is told who speaks and how by a description, as its card shows them: a name it was
trained with, then pitch, pace, manner and the quality of the recording.
"""

from speech.tts import SpeechRequest, Voice

_SPEAKERS = {
    "as": "Amit Sita Poonam Rakesh",
    "bn": "Arjun Aditi Tapan Rashmi Arnav Riya",
    "en": "Mary Thoma Swapna Dinesh Meera Jatin Aakash Sneha Kabir Tisha Priya Tarun Gauri Nisha "
    "Raghav Kavya Ravi Vikas",
    "gu": "Neha Yash",
    "hi": "Divya Rohit Rani Aman",
    "kn": "Anu Suresh Chetan Vidya",
    "ml": "Anjali Harish Anju",
    "mr": "Sunita Sanjay Nikhil Radha Varun Isha",
    "ne": "Amrita",
    "or": "Debjani Manas",
    "pa": "Gurpreet Divjot",
    "sa": "Aryan",
    "ta": "Jaya Kavitha",
    "te": "Lalitha Prakash Kiran",
}
"""The names of the model's card, those that it recommends first. Riya speaks English too."""

_NAMELESS = {"sd": "Sindhi", "ur": "Urdu"}
"""Languages that it speaks without a name to ask for; their voices are "ur-female" and so on."""

_LANGUAGES = {
    "as": "Assamese",
    "bn": "Bengali",
    "en": "English (India)",
    "gu": "Gujarati",
    "hi": "Hindi",
    "kn": "Kannada",
    "ml": "Malayalam",
    "mr": "Marathi",
    "ne": "Nepali",
    "or": "Odia",
    "pa": "Punjabi",
    "sa": "Sanskrit",
    "sd": "Sindhi",
    "ta": "Tamil",
    "te": "Telugu",
    "ur": "Urdu",
}

LANGUAGES = frozenset(_LANGUAGES)

_STYLES = {
    "professional": "in a professional, confident and clear manner",
    "friendly": "in a warm, friendly and conversational manner",
    "technical": "in a precise, neutral and evenly paced manner",
}
"""What may follow a voice's name, as in "Divya+friendly"."""

_EMOTIONS = {
    "neutral": "in a neutral tone",
    "happy": "in a happy and cheerful tone",
    "sad": "in a sad and subdued tone",
    "angry": "in an angry and forceful tone",
    "apologetic": "in a soft, apologetic and sympathetic tone",
    "excited": "in an excited and energetic tone",
    "calm": "in a calm and soothing tone",
}
"""The card names happy, sad, anger and neutral among those it was trained for, in as bn kn ml mr
ne sa and ta; the others, and other languages, are left to what the words mean to the model."""

EMOTIONS = frozenset(_EMOTIONS)

RATES = (0.7, 1.4)
"""Beyond these the description has no word left that the model obeys."""

_PACES = ((0.8, "very slow"), (0.95, "slightly slow"), (1.05, "moderate"), (1.2, "slightly fast"))
_PITCHES = (
    (-4.0, "very low-pitched"),
    (-1.0, "slightly low-pitched"),
    (1.0, "moderately pitched"),
    (4.0, "slightly high-pitched"),
)
_RECORDING = (
    "The recording is of very high quality, with the voice sounding clear and very close up, "
    "and no background noise."
)


def all_voices() -> tuple[Voice, ...]:
    """Each speaker plain, the default of each language first, then in each style."""
    plain = [
        Voice(name, language, f"{place}, {name.removeprefix(language + '-')}")
        for language, place in _LANGUAGES.items()
        for name in _SPEAKERS.get(language, f"{language}-female {language}-male").split()
    ]
    styled = [
        Voice(f"{voice.name}+{style}", voice.language, f"{voice.description}, {style}")
        for voice in plain
        for style in _STYLES
    ]
    return (*plain, *styled)


def description_of(voice: Voice, request: SpeechRequest) -> str:
    """How `voice` speaks `request`, in the words of the model's card."""
    who, _, style = voice.name.partition("+")
    if voice.language in _NAMELESS:
        who = f"A {who.partition('-')[2]} speaker of {_NAMELESS[voice.language]}"
    manners = [
        _STYLES.get(style, ""),
        _EMOTIONS.get(request.emotion or "", ""),
    ]
    manner = " and ".join(manner for manner in manners if manner) or "in an expressive tone"
    pitch = _word(request.pitch_semitones, _PITCHES, "very high-pitched")
    pace = _word(request.rate, _PACES, "very fast")
    return f"{who} speaks {manner}, with a {pitch} voice at a {pace} pace. {_RECORDING}"


def _word(value: float, steps: tuple[tuple[float, str], ...], beyond: str) -> str:
    """The word of the first step that `value` does not pass."""
    return next((word for limit, word in steps if value <= limit), beyond)
