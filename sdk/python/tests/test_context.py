"""The handler's access to the runtime."""

import unittest
from dataclasses import dataclass
from datetime import datetime, timezone

from camshaft import Reject, handler
from camshaft.testing import TestContext


@dataclass
class Counted:
    n: int


@handler("context.tested")
def publishes(event, ctx):
    ctx.publish("c.d", {"n": 1})
    ctx.publish("c.d", b"\x07", subject="s", key="k", time="2026-01-31T12:00:00Z", content_type="image/png",
                schema="/s", extensions={"tenant": 5})
    ctx.publish("c.d", Counted(2))


class Context(unittest.TestCase):
    def test_state_is_a_map_of_values_and_a_scan_goes_through_its_keys_in_order(self):
        ctx = TestContext()
        for key in ("p/c", "p/a", "q", "p/b"):
            ctx.state[key] = {"key": key}
        ctx.state[b"\xff"] = 1
        del ctx.state["p/b"]
        del ctx.state["never there"]
        self.assertEqual(list(ctx.state.scan("p/")), [("p/a", {"key": "p/a"}), ("p/c", {"key": "p/c"})])
        self.assertEqual([key for key, _ in ctx.state.scan()], ["p/a", "p/c", "q", b"\xff"])
        self.assertEqual((ctx.state.get("p/b"), ctx.state.get("p/b", 0), "p/b" in ctx.state), (None, 0, False))
        with self.assertRaises(KeyError):
            ctx.state["p/b"]
        ctx.state["nothing"] = None
        self.assertIn("nothing", ctx.state)

    def test_what_would_be_changed_on_its_way_out_is_a_reject(self):
        ctx = TestContext()
        halves = "an unpaired surrogate"
        for half in ("\ud800", "a\udc01"):
            for run, expected in (
                (lambda: ctx.state.get(half), f"the state key contains {halves}"),
                (lambda: ctx.state.__setitem__(half, 1), f"the state key contains {halves}"),
                (lambda: ctx.state.__setitem__("k", [half]), halves),
                (lambda: ctx.state.__setitem__("k", {half: 1}), halves),
                (lambda: ctx.publish("a.b", {half: 1}), halves),
                (lambda: ctx.publish("a.b", 1, key=half), f"^`key` contains {halves}"),
                (lambda: ctx.publish("a.b", 1, extensions={"tenant": half}), f"^the extension `tenant` contains {halves}"),
                (lambda: ctx.schedule(half, 1, "a.b"), f"^the timer name contains {halves}"),
                (lambda: ctx.request("POST", "https://a", body=half), f"^the request body contains {halves}"),
            ):
                with self.subTest(half=ascii(half), expected=expected), self.assertRaisesRegex(Reject, expected):
                    run()
        for run, expected in (
            (lambda: ctx.publish("a.b", 1, subject=7), "^`subject` must be text, not int$"),
            (lambda: ctx.publish(None), "^the event type must be text, not None$"),
            (lambda: ctx.random(2**32 + 1), "random bytes were requested; one call returns 0 to 65536$"),
            (lambda: ctx.state.__setitem__("k", {1}), "type set is not supported"),
            (lambda: ctx.publish("a.b", {1}), "type set is not supported"),
            (lambda: ctx.publish("a.b", float("nan")), "cannot be encoded"),
        ):
            with self.subTest(expected=expected), self.assertRaisesRegex(Reject, expected):
                run()
        ctx.info("half \ud800", field="\udc00 \U0001f600")
        self.assertEqual(ctx.logged, [("info", "half \ufffd", {"field": "\ufffd \U0001f600"})])

    def test_a_time_that_is_none_or_that_64_bits_do_not_hold_is_a_reject(self):
        ctx = TestContext()
        for at in (float("nan"), float("inf"), -float("inf"), 2**64, 8.64e15 + 2, "2026", None, True):
            with self.subTest(at=at), self.assertRaisesRegex(Reject, "^the time of the timer `t` must be a datetime or milliseconds"):
                ctx.schedule("t", at, "a.b")
        for at, expected in ((8_640_000_000_000_000, 8_640_000_000_000_000), (1.5, 2), (-7, 0)):
            ctx.schedule("t", at, "a.b")
            self.assertEqual(ctx.timers["t"].at_ms, expected)

    def test_what_no_attempt_can_mend_is_a_reject_that_says_what_it_is_about(self):
        ctx = TestContext(publishes=["a.b"])
        for run, expected in (
            (lambda: ctx.publish("a.c", 1), "`a.c` is published but not declared"),
            (lambda: ctx.state.__setitem__("", 1), "the state key is empty"),
            (lambda: ctx.state.__setitem__("k", object()), "state value of `k` cannot be encoded: type object is not supported"),
            (lambda: ctx.state.get(7), "a state key must be text or bytes, not int"),
            (lambda: ctx.publish("a.b", object()), "data of `a.b` cannot be encoded"),
            (lambda: ctx.publish("a.b", float("nan")), "data of `a.b` cannot be encoded"),
            (lambda: ctx.publish("a.b", 1, content_type="text/csv"), "data of `a.b`: `text/csv` is neither"),
            (lambda: ctx.cancel(""), "the timer name is empty"),
        ):
            with self.subTest(expected=expected), self.assertRaises(Reject) as raised:
                run()
            self.assertTrue(str(raised.exception).startswith(expected), raised.exception)

    def test_published_events_inherit_from_their_cause_unless_they_say_otherwise(self):
        ctx = TestContext()
        ctx.handle("context.tested", id="e-1", subject="thing")
        first, second, third = ctx.published
        self.assertEqual((first.type, first.bytes, first.subject, first.key), ("c.d", b'{"n":1}', "thing", "thing"))
        self.assertEqual((first.datacontenttype, first.correlation_id), ("application/json", "40891c0cd6f012b5-e-1"))
        self.assertEqual((second.subject, second.key, second.bytes), ("s", "k", b"\x07"))
        self.assertEqual((second.extensions["tenant"], third.data), ("5", {"n": 2}))

    def test_timers_are_set_by_time_and_cancelled(self):
        ctx = TestContext()
        ctx.schedule("tea", datetime(1970, 1, 1, 0, 0, 4, tzinfo=timezone.utc), "tea.ready", "now")
        ctx.schedule("late", -5, "tea.ready")
        self.assertEqual((ctx.timers["tea"].at_ms, ctx.timers["tea"].event.data, ctx.timers["late"].at_ms), (4000, "now", 0))
        ctx.cancel("tea")
        ctx.cancel("never set")
        self.assertEqual(list(ctx.timers), ["late"])

    def test_the_attempts_facts_are_told(self):
        ctx = TestContext(config={"low": "5"}, now_ms=1500, attempt=3, offset=7)
        self.assertEqual((ctx.config("low"), ctx.config("high"), ctx.config("high", "9")), ("5", None, "9"))
        self.assertEqual((ctx.attempt, ctx.offset, ctx.consumer, ctx.generation), (3, 7, "test", 1))
        self.assertEqual(ctx.now, datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=timezone.utc))
        self.assertEqual(ctx.random(4), TestContext(offset=7).random(4))
