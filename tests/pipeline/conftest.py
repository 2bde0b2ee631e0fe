"""One evaluator of expressions for all tests."""

from collections.abc import Iterator

import pytest

from tests.pipeline.node import Evaluate, evaluator


@pytest.fixture(scope="session")
def evaluate() -> Iterator[Evaluate]:
    with evaluator() as running:
        yield running
