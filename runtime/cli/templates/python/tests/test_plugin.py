import unittest

from camshaft import Reject
from camshaft.testing import TestContext

import plugin  # noqa: F401, registers the handlers under test


class Plugin(unittest.TestCase):
    def test_orders_add_up(self):
        ctx = TestContext()
        ctx.handle("order.placed", {"customer": "ada", "cents": 1500})
        ctx.handle("order.placed", {"customer": "ada", "cents": 250})
        self.assertEqual(ctx.state["ada"], 1750)
        self.assertEqual(ctx.published[1].data["cents"], 1750)

    def test_an_order_without_an_amount_is_rejected(self):
        with self.assertRaises(Reject):
            TestContext().handle("order.placed", {"customer": "ada", "cents": 0})
