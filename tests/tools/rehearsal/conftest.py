"""A local cloud for rehearsals."""

import itertools
from collections.abc import Callable, Iterator
from types import MappingProxyType

import pytest

from tests.accounts import entered
from tests.tools.rehearsal.recorded import ENVIRONMENT, Changes, changed, recorded
from tools.local_cloud.client import REGION, LocalCloud, local_cloud
from tools.rehearsal import stacks, untried
from tools.rehearsal.rehearse import rehearse
from tools.rehearsal.report import Report

Rehearse = Callable[..., Report]


@pytest.fixture(scope="session")
def empty_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """An empty local cloud."""
    with local_cloud(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud


@pytest.fixture(scope="module", autouse=True)
def root(empty_cloud: LocalCloud) -> Iterator[None]:
    """Makes boto3 use the local cloud."""
    with entered(empty_cloud):
        yield


@pytest.fixture(scope="session")
def accounts() -> Iterator[str]:
    """Accounts that no other test uses."""
    return (f"{number:012}" for number in itertools.count(1))


@pytest.fixture(scope="session")
def rehearsal(accounts: Iterator[str]) -> Rehearse:
    """Rehearse the upgrade of ENVIRONMENT, or of that with changes, in an account of its own.

    Only with `compares` does the rehearsal compare the templates, because that starts Node.
    """

    def run(
        changes: Changes,
        base: Changes = MappingProxyType({}),
        region: str = REGION,
        *,
        compares: bool = False,
    ) -> Report:
        old = changed(ENVIRONMENT, base)
        account = next(accounts)
        before = stacks.read(recorded(old, account, region))
        after = stacks.read(recorded(changed(old, changes), account, region))
        with pytest.MonkeyPatch.context() as patch:
            if not compares:
                patch.setattr(untried, "compare", lambda _: [])
            return rehearse(before, after)

    return run
