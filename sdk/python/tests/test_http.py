"""The outcome of an event for each response."""

import unittest

from camshaft import Reject, Response, Retry, handler
from camshaft.testing import TestContext
from camshaft.text import words


@handler("http.tested")
def sends(event, ctx):
    answer = ctx.request("POST", "https://hooks.internal/", headers={"X-Id": event.id}, body="héllo").accepted()
    ctx.state["answer"] = answer.json()


class Http(unittest.TestCase):
    def test_an_error_of_wasi_is_told_in_words(self):
        for name, told in [("ConnectionRefused", "connection refused"), ("DnsTimeout", "dns timeout"), ("Closed", "closed")]:
            self.assertEqual(words(name), told)

    def test_what_may_pass_is_retried_when_the_receiver_says_and_all_else_is_rejected(self):
        def outcome(status, **headers):
            headers = {name.replace("_", "-"): value for name, value in headers.items()}
            try:
                return Response(status, headers, b" no \n").accepted().status
            except (Reject, Retry) as error:
                return type(error), str(error), getattr(error, "after", None)

        self.assertEqual(outcome(202), 202)
        self.assertEqual(outcome(503), (Retry, "the receiver answered 503: no", None))
        self.assertEqual(outcome(429, retry_after=" 7 "), (Retry, "the receiver answered 429: no", 7))
        self.assertEqual(outcome(500, retry_after="tomorrow"), (Retry, "the receiver answered 500: no", None))
        self.assertEqual(outcome(404, retry_after="7"), (Reject, "the receiver answered 404: no", None))

    def test_a_handler_that_sends_is_tested_with_answers_of_the_tests_own(self):
        requests = []

        def answer(request):
            requests.append(request)
            return Response(200, body=b'{"n":1}')

        ctx = TestContext(responses=answer)
        ctx.handle("http.tested", id="e-1")
        self.assertEqual(ctx.state["answer"], {"n": 1})
        (request,) = requests
        self.assertEqual((request.method, request.url), ("POST", "https://hooks.internal/"))
        self.assertEqual((request.headers, request.body), ({"x-id": "e-1"}, "héllo".encode()))

    def test_a_test_without_answers_says_what_is_missing(self):
        with self.assertRaisesRegex(Retry, "pass `responses` to the test context"):
            TestContext().handle("http.tested")
