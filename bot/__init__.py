"""The composition root: the only package that knows everyone."""

from bot.threads import pin_threads

pin_threads()  # before anything below imports numpy
