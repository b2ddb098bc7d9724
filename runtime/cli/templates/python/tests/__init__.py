"""Finds the SDK where `camshaft new` put it, so that tests need nothing installed."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "vendor/python"))
