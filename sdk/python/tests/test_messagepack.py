"""The encoding of state values."""

import json
import unittest
from dataclasses import dataclass
from pathlib import Path

from camshaft.messagepack import decode, encode


@dataclass
class Stock:
    sku: str
    left: int


class MessagePack(unittest.TestCase):
    def test_values_are_the_same_bytes_in_every_language(self):
        vectors = json.loads((Path(__file__).parents[2] / "messagepack.json").read_text())
        for vector in vectors:
            with self.subTest(vector=vector):
                self.assertEqual(encode(vector["value"]).hex(), vector["hex"])
                self.assertEqual(decode(bytes.fromhex(vector["hex"])), vector["value"])

    def test_long_text_lists_and_maps_come_back(self):
        for length in (300, 70_000):
            keys = [f"k{place}" for place in range(length)]
            for value in ("x" * length, keys, dict.fromkeys(keys, 1), bytes(length)):
                self.assertEqual(decode(encode(value)), value)

    def test_what_json_has_no_form_for_keeps_its_own(self):
        value = {1: b"\x01\x02", "big": 2**63, "low": -(2**63), "whole": 2.0, "more": 1e300}
        self.assertEqual(decode(encode(value)), value)
        self.assertIsInstance(decode(encode(2.0)), float)
        self.assertEqual(decode(encode((1, 2))), [1, 2])
        self.assertEqual(decode(encode(Stock("b-7", 3))), {"sku": "b-7", "left": 3})
        self.assertEqual(decode(bytes.fromhex("ca3fc00000")), 1.5)

    def test_what_is_no_data_is_refused(self):
        circle = []
        circle.append(circle)
        for value in (object(), {1, 2}, 2**64, -(2**63) - 1, circle, Stock):
            with self.assertRaises((TypeError, ValueError, OverflowError)):
                encode(value)

    def test_damaged_bytes_are_refused_whatever_they_are(self):
        for text in ("", "c1", "93", "d9ff61", "a2ff", "a1ff", "0000", "df7fffffff", "dd7fffffff", "c7010203", "8190c0"):
            with self.subTest(text=text), self.assertRaises(ValueError):
                decode(bytes.fromhex(text))
        with self.assertRaisesRegex(ValueError, "nested deeper"):
            decode(b"\x91" * 1000)


if __name__ == "__main__":
    unittest.main()
