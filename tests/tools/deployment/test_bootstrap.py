"""Accounts are bootstrapped with their stacks' qualifier, before the first deploy."""

import pytest

from tests.tools.deployment.conftest import ROLES, FakeAccount, Prepare
from tools.cdk_cli.cdk import EVERYTHING, Done
from tools.deployment.bootstrap import bootstrap, ensure_bootstrapped
from tools.errors import UserError

REGION = "aws://111122223333/eu-central-1"


class MissingError(Exception):
    """SSM's error for a missing parameter."""


OWN = "--cloudformation-execution-policies=arn:own"
RECORDED = "--cloudformation-execution-policies=arn:one,arn:two"
QUALIFIER = "--qualifier=acme"


@pytest.mark.parametrize(
    ("flags", "aws", "local"),
    [
        (["--trust=1"], ["--trust=1", RECORDED, QUALIFIER], ["--trust=1", QUALIFIER]),
        (["--qualifier=other"], ["--qualifier=other", RECORDED], ["--qualifier=other"]),
        (["--qualifier=x", OWN], ["--qualifier=x", OWN], ["--qualifier=x", OWN]),
    ],
)
def test_the_account_is_bootstrapped_once_for_each_region(
    account: FakeAccount, prepared: Prepare, flags: list[str], aws: list[str], local: list[str]
) -> None:
    account.cdk.return_value = Done(7, "")
    for kind, expected in {"aws": aws, "local": local}.items():
        assert bootstrap(prepared(kind, cdk_flags=flags).options) == 7
        assert account.cdk.call_args.args[1:] == ("bootstrap", REGION, *expected)
        assert account.cdk.call_args.kwargs == {"hidden": EVERYTHING}


def test_a_deploy_bootstraps_the_local_cloud(account: FakeAccount, prepared: Prepare) -> None:
    account.client.exceptions.ParameterNotFound = MissingError
    account.client.get_parameter.side_effect = MissingError
    ensure_bootstrapped(prepared("local", cdk_flags=["--force"]))
    assert account.cdk.call_args.args[1:] == ("bootstrap", REGION, "--qualifier=acme")
    account.cdk.return_value = Done(7, "")
    with pytest.raises(UserError, match="The local cloud was not bootstrapped; cdk") as error:
        ensure_bootstrapped(prepared("local"))
    assert error.value.status == 7


def test_an_environment_that_a_person_deploys_needs_no_bootstrap(
    account: FakeAccount, prepared: Prepare
) -> None:
    deployment = prepared(artifacts=[ROLES])
    with pytest.raises(UserError, match="The environment test needs no bootstrap: you deploy it"):
        bootstrap(deployment.options)
    account.cdk.assert_not_called()
