"""A first deploy to an account: policies, bootstrap, stacks.

The local cloud ignores CloudFormation's role and the boundary of roles, so this test shows only
that each step finds what the step before it made.
"""

from pathlib import Path

import boto3
import pytest

from stacks.core.environment import Environment
from stacks.core.rights import read_rights
from stacks.execution.stack import ExecutionStack
from tests.accounts import entered
from tests.clouds import Project, Tools
from tests.stacks import new_test_app
from tools.local_cloud.client import LocalCloud

NEW_ACCOUNT = "444455556666"
AWS = ("--to=aws", "--yes")
NAME = Environment().name


@pytest.fixture
def policies(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cloud assembly with the execution stack for the project."""
    folder = tmp_path / "policies"
    monkeypatch.setenv("CDK_OUTDIR", str(folder))
    app = new_test_app()
    name = project.stacks["StorageStack"].tags["Project"]
    environment = Environment(project=name, name="account")
    ExecutionStack(app, environment, rights={NAME: read_rights(NAME)})
    app.synth()
    return folder


def test_a_first_deploy_needs_the_policies_then_the_bootstrap(
    tools: Tools,
    cloud: LocalCloud,
    unbootstrapped: dict[str, str],
    project: Project,
    policies: Path,
    request: pytest.FixtureRequest,
) -> None:
    account = unbootstrapped | {"AWS_ACCESS_KEY_ID": NEW_ACCOUNT}
    refused = tools("bootstrap", *AWS, app=project.folder, **account)
    assert refused.status == 1
    assert f"no policy with which CloudFormation may deploy {NAME}" in refused.output

    done = tools("deploy", "--environment=account", *AWS, app=policies, **account)
    assert done.status == 0, done.output
    done = tools("bootstrap", *AWS, app=project.folder, **account)
    assert done.status == 0, done.output
    with entered(cloud, account=NEW_ACCOUNT):
        iam = boto3.client("iam")
        (role,) = [
            role["RoleName"] for role in iam.list_roles()["Roles"] if "cfn-exec" in role["RoleName"]
        ]
        attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    assert attached
    assert all(":policy/execution/" in policy["PolicyArn"] for policy in attached)

    # The checks before the deploy find the policies; test_local deploys the stacks.
    request.getfixturevalue("commands")
    done = tools("deploy", *AWS, app=project.folder, **account)
    assert done.status == 0, done.output
    assert "lacks rights" not in done.output
    assert "Not checked" not in done.output
