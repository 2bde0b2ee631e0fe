"""A local cloud for rehearsals."""

import itertools
import os
from collections.abc import Callable, Iterator
from types import MappingProxyType

import pytest

from tests.tools.rehearsal.recorded import ENVIRONMENT, Changes, changed, recorded
from tools.local_cloud.client import REGION, LocalCloud, local_cloud
from tools.rehearsal import stacks
from tools.rehearsal.rehearse import rehearse
from tools.rehearsal.report import Report
from tools.variables import replaced_variables

Rehearse = Callable[..., Report]


@pytest.fixture(scope="session")
def empty_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """Makes boto3 use an empty local cloud."""
    with (
        local_cloud(tmp_path_factory.mktemp("cloud")) as cloud,
        replaced_variables(cloud.variables(os.environ)),
    ):
        yield cloud


@pytest.fixture(scope="session")
def accounts() -> Iterator[str]:
    """Accounts that no other test uses."""
    return (f"{number:012}" for number in itertools.count(1))


@pytest.fixture(scope="session")
def rehearsal(empty_cloud: LocalCloud, parsed_once: None, accounts: Iterator[str]) -> Rehearse:
    """Rehearse the upgrade of ENVIRONMENT, or of that with changes, in an account of its own."""
    del empty_cloud, parsed_once

    def run(changes: Changes, base: Changes = MappingProxyType({}), region: str = REGION) -> Report:
        old = changed(ENVIRONMENT, base)
        account = next(accounts)
        both = (
            stacks.read(recorded(each, account, region)) for each in (old, changed(old, changes))
        )
        return rehearse(*both)

    return run
