"""Runs a handler's coroutine to its end, together with all the work that it started.

The event loop has nothing to wait for: a plugin has no sockets and no threads, and its clock does not advance. So a
sleep ends at once, and work that waits for anything else would wait for ever.
"""

import asyncio
import inspect
from asyncio import base_events
from collections.abc import Callable
from typing import Any

from .outcome import Reject


def is_generator(function: Callable[..., Any]) -> bool:
    """Whether a call of the function only creates an iterator and does not run the body."""
    function = inspect.unwrap(function)
    return inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)


def finish(returned: Any) -> None:
    """Runs the handler's coroutine until it and all its tasks are done. Raises an exception that one of them raised and
    that no code handled."""
    if inspect.isawaitable(returned):
        returned = _run(returned)
    if hasattr(returned, "__next__") or hasattr(returned, "__anext__"):
        if hasattr(returned, "close"):
            returned.close()
        raise Reject(
            f"the handler returned a {type(returned).__name__}, which is never iterated: make the handler a plain "
            "function or a coroutine"
        )


def _run(awaitable: Any) -> Any:
    loop = _Loop()
    try:
        returned = loop.run_until_complete(_settled(awaitable, loop))
        for error in loop.lost():
            raise error
        return returned
    finally:
        loop.close()


async def _settled(awaitable: Any, loop: "_Loop") -> Any:
    """Returns the awaitable's value when all tasks and timers that it started are also done."""
    returned = await awaitable
    await asyncio.sleep(0)
    while True:
        if tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(tasks)
        elif (left_s := loop.left_s()) is not None:
            await asyncio.sleep(left_s)
        else:
            return returned


class _Loop(base_events.BaseEventLoop):
    """An event loop without sockets and threads. If nothing is ready, its time advances to the next timer."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = self
        self._ahead_s = 0.0
        self._tasks: list[asyncio.Task] = []
        self._failures: list[BaseException] = []
        self.set_task_factory(self._start)
        self.set_exception_handler(self._note)

    def _start(self, _: Any, coroutine: Any, **options: Any) -> asyncio.Task:
        task = asyncio.Task(coroutine, loop=self, **options)
        self._tasks.append(task)
        return task

    def _note(self, _: Any, context: dict[str, Any]) -> None:
        """Records an exception that a timer's function raised."""
        if (error := context.get("exception")) is not None:
            self._failures.append(error)

    def lost(self) -> list[BaseException]:
        """The exceptions that no code handled."""
        lost = list(self._failures)
        for task in self._tasks:
            # asyncio clears this flag when code retrieves the exception.
            if task.done() and not task.cancelled() and task._log_traceback:
                lost.append(task.exception())
        return lost

    def left_s(self) -> float | None:
        """Seconds until the last timer that is set."""
        due = [handle.when() for handle in self._scheduled if not handle.cancelled()]
        return max(0.0, max(due) - self.time()) if due else None

    def time(self) -> float:
        return self._ahead_s

    def select(self, timeout: float | None) -> list[Any]:
        """The base class calls this when nothing is ready, with the seconds until the next timer."""
        if timeout is None:
            raise Reject("the handler waits for something that no task or timer of the plugin can complete")
        self._ahead_s += timeout
        return []

    def _process_events(self, _: list[Any]) -> None:
        """Does nothing: there are no I/O events."""

    def _write_to_self(self) -> None:
        """Does nothing: no other thread wakes the loop."""
