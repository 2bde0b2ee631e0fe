"""Hypothesis, as properties are tested here: with 200 examples each.

`HYPOTHESIS_PROFILE=long uv run nox -s "test(storage)"` tries 10,000. Not in conftest.py: most
sessions have no properties, and importing hypothesis takes as long as starting pytest.
"""

import os

from hypothesis import given, settings
from hypothesis import strategies as st

__all__ = ["given", "st"]

settings.register_profile("default", max_examples=200, deadline=None)
settings.register_profile("long", max_examples=10_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
