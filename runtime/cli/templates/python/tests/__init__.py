"""Adds the SDK in `vendor/` to the search path, so that the tests need no installed packages."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "vendor/python"))
