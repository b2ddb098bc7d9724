"""The two ways not to succeed, and what to say of any other exception."""

import traceback


class Reject(Exception):
    """The event can never be handled: it becomes a dead letter now, with this reason."""


class Retry(Exception):
    """The event shall be handled again after the plugin's backoff, or after `after` seconds or later.

    Every other exception means the same, without a delay.
    """

    def __init__(self, reason: str, after: float | None = None):
        # It says so here, where the author's line is the one that called it.
        from .delay import delay_ms

        super().__init__(reason)
        self.after = after
        #: The delay in milliseconds, rounded up, so that a wish for any delay stays one.
        self.after_ms: int | None = delay_ms(after, "`after` of a Retry")


def describe(error: BaseException) -> str:
    """A message with all its causes, and where it came from, innermost call last."""
    text = f"{type(error).__name__}: {error}"
    cause = error.__cause__
    while cause is not None:
        text += f": {cause}"
        cause = cause.__cause__
    return "\n".join([text, *_places(error)])


def explain(error: Reject) -> str:
    """A reject's reason; where the SDK itself raised it, also where the author's code called it."""
    frames = traceback.extract_tb(error.__traceback__)
    is_own = bool(frames) and frames[-1].filename.startswith(_FOLDER)
    return "\n".join([str(error), *(_places(error) if is_own else [])])


#: The folders of the SDK, and of the standard library, whose calls say nothing to an author.
_FOLDER = __file__.rpartition("/")[0] + "/"
_LIBRARY = traceback.__file__.rpartition("/")[0] + "/"


def _places(error: BaseException) -> list[str]:
    """The author's calls that led to an error."""
    frames = traceback.extract_tb(error.__traceback__)
    authors = [frame for frame in frames if not frame.filename.startswith((_FOLDER, _LIBRARY, "<"))]
    return [f"at {frame.name} ({frame.filename}:{frame.lineno})" for frame in authors]
