"""The selection of the handler for an event, and the outcome of the handler."""

import asyncio
import contextlib
import functools
import unittest

from camshaft import Reject, Retry, handler, handlers
from camshaft.outcome import describe, explain
from camshaft.testing import TestContext


class Handlers(unittest.TestCase):
    def setUp(self):
        before = list(handlers._handlers)
        handlers._handlers.clear()
        self.addCleanup(lambda: handlers._handlers.__setitem__(slice(None), before))

    def test_the_function_of_the_events_type_runs_with_data_decoded_by_its_media_type(self):
        @handler("order.placed")
        def placed(event, ctx):
            ctx.state["placed"] = event.data

        @handler("order.*", "stock.**")
        def other(event, ctx):
            ctx.state["other"] = [event.type, event.key, event.correlation_id, event.bytes]

        ctx = TestContext()
        ctx.handle("order.placed", {"sku": "b-7"})
        self.assertEqual(ctx.state["placed"], {"sku": "b-7"})
        ctx.handle("order.placed", {"sku": "c-1"}, content_type="application/msgpack")
        self.assertEqual(ctx.state["placed"], {"sku": "c-1"})
        ctx.handle("stock.a.b", b"\x01", content_type="image/png", subject="s", extensions={"correlationid": "c"})
        self.assertEqual(ctx.state["other"], ["stock.a.b", "s", "c", b"\x01"])

    def test_an_event_that_nobody_handles_and_data_that_is_none_are_rejected(self):
        handler("a.b")(lambda event, ctx: event.data)
        for arguments, content_type, expected in (
            (("c",), None, "the plugin has no handler for `c`"),
            (("a.b", b"{"), None, "data of `a.b` cannot be decoded as JSON: "),
            (("a.b", b"\xff"), None, "data of `a.b` cannot be decoded as JSON: "),
            (("a.b", b"\xc1"), "application/msgpack", "data of `a.b` cannot be decoded as MessagePack: "),
            (("a.b", b"{"), "text/csv", "data of `a.b`: `text/csv` is neither JSON nor MessagePack"),
        ):
            with self.subTest(expected=expected), self.assertRaises(Reject) as raised:
                TestContext().handle(*arguments, content_type=content_type)
            self.assertTrue(str(raised.exception).startswith(expected), raised.exception)

    def test_a_coroutine_is_run_with_all_the_work_that_it_started(self):
        @handler("a.b")
        async def work(event, ctx):
            async def later(name, seconds):
                await asyncio.sleep(seconds)
                ctx.state[name] = seconds

            ctx.state["gathered"] = await asyncio.gather(asyncio.sleep(60, "a"), asyncio.sleep(0, "b"))
            asyncio.create_task(later("task", 3600))
            asyncio.get_running_loop().call_later(7200, ctx.state.__setitem__, "timer", 1)

        ctx = TestContext()
        ctx.handle("a.b")
        self.assertEqual(dict(ctx.state.scan()), {"gathered": ["a", "b"], "task": 3600, "timer": 1})

    def test_what_a_coroutine_or_its_work_raises_fails_the_attempt(self):
        async def fails():
            raise ValueError("lost")

        async def itself(event, ctx):
            ctx.state["k"] = 1
            await fails()

        async def task(event, ctx):
            asyncio.create_task(fails())

        async def timer(event, ctx):
            asyncio.get_running_loop().call_soon(lambda: [][1])

        async def caught(event, ctx):
            with contextlib.suppress(ValueError):
                await asyncio.create_task(fails())

        async def never(event, ctx):
            await asyncio.get_running_loop().create_future()

        for function, expected in ((itself, ValueError), (task, ValueError), (timer, IndexError), (never, Reject)):
            handlers._handlers.clear()
            handler("a.b")(function)
            ctx = TestContext()
            with self.subTest(function=function.__name__), self.assertRaises(expected):
                ctx.handle("a.b")
            self.assertNotIn("k", ctx.state)
        handlers._handlers.clear()
        handler("a.b")(caught)
        TestContext().handle("a.b")

    def test_generators_are_refused_as_handlers_and_as_what_one_returns(self):
        def steps(event, ctx):
            yield 1

        async def asynchronous(event, ctx):
            yield 1

        for function in (steps, asynchronous, functools.wraps(steps)(lambda *given: steps(*given))):
            with self.assertRaisesRegex(TypeError, "is a generator: its body would never run"):
                handler("a.b")(function)
        for returned in (steps, asynchronous, lambda event, ctx: iter([1])):
            handlers._handlers.clear()
            handler("a.b")(lambda event, ctx, returned=returned: returned(event, ctx))
            with self.assertRaisesRegex(Reject, "^the handler returned a .*, which is never iterated"):
                TestContext().handle("a.b")

    def test_a_byte_order_mark_before_json_is_skipped(self):
        handler("a.b")(lambda event, ctx: ctx.state.__setitem__("data", event.data))
        ctx = TestContext()
        ctx.handle("a.b", b'\xef\xbb\xbf{"a":"\xef\xbb\xbf"}')
        self.assertEqual(ctx.state["data"], {"a": "\ufeff"})

    def test_numbers_that_are_none_are_no_json(self):
        handler("a.b")(lambda event, ctx: event.data)
        for data in (b"1e400", b"NaN", b"-Infinity"):
            with self.assertRaisesRegex(Reject, "data of `a.b` cannot be decoded as JSON: "):
                TestContext().handle("a.b", data)

    def test_patterns_stand_for_whole_segments_and_the_runtimes_own_types_need_to_be_named(self):
        for pattern, event_type, expected in (
            ("order.placed", "order.placed.eu", False),
            ("order.*", "order.placed", True),
            ("order.*", "order", False),
            ("order.*", "order.placed.eu", False),
            ("order.**", "order.placed.eu", True),
            ("order.**", "order", False),
            ("**", "order", True),
            ("**", "camshaft.plugin.activated", False),
            ("*.placed", "order.placed", True),
            ("camshaft.**", "camshaft.plugin.activated", True),
        ):
            self.assertEqual(handlers.matches(pattern, event_type), expected, f"{pattern} and {event_type}")
        for wrong in ("a..b", "a.**.b"):
            with self.assertRaises(ValueError):
                handler(wrong)
        with self.assertRaises(TypeError):
            handler(print)

    def test_two_functions_for_one_type_are_refused(self):
        handler("a.b")(lambda event, ctx: None)

        def other(event, ctx):
            pass

        with self.assertRaisesRegex(ValueError, "both .* and .*other handle \"a.b\""):
            handler("a.b")(other)

    def test_a_failed_attempt_leaves_nothing_but_its_log_lines(self):
        @handler("a.b")
        def fails(event, ctx):
            ctx.state["k"] = 2
            ctx.publish("x.y", 1)
            ctx.schedule("t", 5, "x.y")
            ctx.info("tried", at=1)
            raise Reject("no")

        ctx = TestContext()
        ctx.state["k"] = 1
        with self.assertRaises(Reject):
            ctx.handle("a.b")
        self.assertEqual((ctx.state["k"], ctx.published, ctx.timers), (1, [], {}))
        self.assertEqual(ctx.logged, [("info", "tried", {"at": "1"})])

    def test_a_delay_is_rounded_up_to_milliseconds(self):
        self.assertEqual([Retry("r", after).after_ms for after in (None, 0.7, 0.0001, 60, -1)], [None, 700, 1, 60000, 0])

    def test_any_other_exception_is_told_with_its_causes_and_its_place(self):
        def fails():
            try:
                int("x")
            except ValueError as error:
                raise RuntimeError("quantity unreadable") from error

        try:
            fails()
        except RuntimeError as error:
            text = describe(error)
        self.assertTrue(text.startswith("RuntimeError: quantity unreadable: invalid literal for int()"), text)
        self.assertIn("\nat fails (", text)

    def test_subscriptions_and_functions_have_to_agree_while_a_plugin_is_built(self):
        handler("a")(lambda event, ctx: None)
        handlers.check_subscriptions(["a"])
        with self.assertRaisesRegex(SystemExit, 'plugin.toml subscribes to "b", but no function handles it'):
            handlers.check_subscriptions(["a", "b"])
        with self.assertRaisesRegex(SystemExit, 'a function handles "a", but plugin.toml does not subscribe to it'):
            handlers.check_subscriptions([])

    def test_a_delay_is_clamped_and_one_that_is_no_number_is_a_reject(self):
        for after, expected in ((None, None), (-1, 0), (0.0015, 2), (2**80, 9007199254740000), (float("inf"), 9007199254740000)):
            self.assertEqual(Retry("busy", after=after).after_ms, expected)
        for after, found in (("60", "str"), (float("nan"), "nan"), (True, "bool")):
            with self.assertRaises(Reject) as raised:
                Retry("busy", after=after)
            self.assertEqual(str(raised.exception), f"`after` of a Retry must be a number of seconds, not {found}")

    def test_a_reject_of_the_sdk_says_where_the_author_called_it(self):
        def asks(event, ctx):
            raise Retry("busy", after="60")

        def rejects(event, ctx):
            raise Reject("no")

        def explained(function):
            try:
                function(None, None)
            except Reject as error:
                return explain(error)
            return self.fail("nothing was raised")

        self.assertRegex(explained(asks), r"^`after` of a Retry must be a number of seconds, not str\n(.*\n)*at asks \(.*test_handlers.py:\d+\)$")
        self.assertEqual(explained(rejects), "no")

