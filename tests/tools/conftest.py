"""A local cloud that a module of tests may share."""

from collections.abc import Iterator

import pytest

from tools.local_cloud import LocalCloud, local_cloud


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A running cloud; stop none of its parts."""
    with local_cloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running
