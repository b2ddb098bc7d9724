"""The two ways not to succeed, and what to say of any other exception."""

import traceback


class Reject(Exception):
    """The event can never be handled: it becomes a dead letter now, with this reason."""


class Retry(Exception):
    """The event shall be handled again after the plugin's backoff, or after `after` seconds or later.

    Every other exception means the same, without a delay.
    """

    def __init__(self, reason: str, after: float | None = None):
        super().__init__(reason)
        self.after = after

    @property
    def after_ms(self) -> int | None:
        """The delay in milliseconds, rounded up, so that a wish for any delay stays one."""
        return None if self.after is None else max(0, -int(-self.after * 1000 // 1))


def describe(error: BaseException) -> str:
    """A message with all its causes, and where it came from, innermost call last."""
    text = f"{type(error).__name__}: {error}"
    cause = error.__cause__
    while cause is not None:
        text += f": {cause}"
        cause = cause.__cause__
    own = __file__.rpartition("/")[0]
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(own)]
    places = [f"at {frame.name} ({frame.filename}:{frame.lineno})" for frame in frames]
    return "\n".join([text, *places])
