"""The two outcomes of a failed attempt, retry and reject, and the description of other exceptions."""

import traceback


class Reject(Exception):
    """No attempt can succeed: the event becomes a dead letter now, with this reason."""


class Retry(Exception):
    """The event is handled again after the plugin's backoff, or after at least `after` seconds.

    Every other exception also means a retry, without a requested delay.
    """

    def __init__(self, reason: str, after: float | None = None):
        # The delay is validated here, so that an error's traceback contains the author's call.
        from .delay import delay_ms

        super().__init__(reason)
        self.after = after
        #: The delay in milliseconds, rounded up, so that a delay above zero never becomes zero.
        self.after_ms: int | None = delay_ms(after, "`after` of a Retry")


def describe(error: BaseException) -> str:
    """The message with all its causes, and the locations in the author's code, innermost call last."""
    text = f"{type(error).__name__}: {error}"
    cause = error.__cause__
    while cause is not None:
        text += f": {cause}"
        cause = cause.__cause__
    return "\n".join([text, *_places(error)])


def explain(error: Reject) -> str:
    """The reason of a reject. If the SDK raised it, also the locations in the author's code that led to it."""
    frames = traceback.extract_tb(error.__traceback__)
    is_own = bool(frames) and frames[-1].filename.startswith(_FOLDER)
    return "\n".join([str(error), *(_places(error) if is_own else [])])


#: The folders of the SDK and of the standard library, whose calls are not useful to an author.
_FOLDER = __file__.rpartition("/")[0] + "/"
_LIBRARY = traceback.__file__.rpartition("/")[0] + "/"


def _places(error: BaseException) -> list[str]:
    """The calls in the author's code that led to an error."""
    frames = traceback.extract_tb(error.__traceback__)
    authors = [frame for frame in frames if not frame.filename.startswith((_FOLDER, _LIBRARY, "<"))]
    return [f"at {frame.name} ({frame.filename}:{frame.lineno})" for frame in authors]
