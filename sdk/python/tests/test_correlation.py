"""The correlation ids of events."""

import json
import unittest
from pathlib import Path

from camshaft.event import Event


class Correlation(unittest.TestCase):
    def test_correlation_ids_are_the_same_in_every_language(self):
        examples = json.loads((Path(__file__).parents[2] / "correlation.json").read_text())
        self.assertTrue(examples)
        for example in examples:
            with self.subTest(example=example):
                event = Event("thing.happened", id=example["id"], source=example["source"])
                self.assertEqual(event.correlation_id, example["correlationid"])

    def test_a_given_correlation_id_is_kept(self):
        self.assertEqual(Event("thing.happened", extensions={"correlationid": "c-1"}).correlation_id, "c-1")


if __name__ == "__main__":
    unittest.main()
