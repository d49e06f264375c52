"""What the processes of the speech server write to their log."""

import sys

from loguru import logger


def set_up_log() -> None:
    """Lines on stderr. Tracebacks come without the values of variables: what a caller said is
    among them."""
    logger.remove()
    logger.add(sys.stderr, backtrace=False, diagnose=False)
