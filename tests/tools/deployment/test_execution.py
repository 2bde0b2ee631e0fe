"""What CloudFormation may do in an account, before a bootstrap and before a deploy."""

import json
from pathlib import Path
from unittest.mock import Mock

import pytest

from stacks.core.rights import Rights, Statement
from tests.tools.deployment.conftest import ACCOUNT, DATA, ROLES, FakeAccount, Prepare, refused
from tools.deployment import execution
from tools.deployment.execution import check_rights, policies_for_bootstrap
from tools.errors import UserError

REGION = "eu-central-1"
ARN = f"arn:aws:iam::{ACCOUNT}:policy/execution/acme"
BOUNDARY = f"{ARN}-boundary-test"
QUEUES = Statement(
    Effect="Allow",
    Action=["sqs:CreateQueue"],
    Resource=["arn:${AWS::Partition}:sqs:x:${AWS::AccountId}:acme-*"],
)


class MissingError(Exception):
    """IAM's error for a policy that does not exist."""


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Rights]:
    """The recorded rights by environment. `test` has two policies, the others have one."""
    regions = {"account": REGION, "far": "us-east-1", "prod": REGION, "test": REGION}
    for name, region in regions.items():
        (tmp_path / name).mkdir()
        settings = {"DataStack": {"environment": f"aws://unknown-account/{region}"}}
        (tmp_path / name / "stacks.json").write_text(json.dumps(settings))
    policies = {"test": 2, "prod": 1, "far": 1}
    rights = {
        name: Rights(boundary=[QUEUES], drift=[], execution=number * [[QUEUES]])
        for name, number in policies.items()
    }
    monkeypatch.setattr(execution, "SNAPSHOTS", tmp_path)
    monkeypatch.setattr(execution, "environments", lambda: [*regions, "unrecorded"])
    monkeypatch.setattr(execution, "find_rights", rights.get)
    monkeypatch.setattr(execution, "how_to_deploy", lambda name: f"DEPLOY {name}")
    return rights


@pytest.fixture
def existing(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The ARNs of the policies in the account."""
    arns: set[str] = set()

    def paginate(**arguments: str) -> list[dict[str, list[dict[str, str]]]]:
        assert arguments == {"Scope": "Local", "PathPrefix": "/execution/"}
        return [{"Policies": []}, {"Policies": [{"Arn": arn} for arn in arns]}]

    client = Mock()
    client.get_paginator("list_policies").paginate = paginate
    monkeypatch.setattr("tools.deployment.execution.boto3.client", lambda _: client)
    return arns


@pytest.mark.usefixtures("recorded", "account")
class TestBootstrap:
    def test_the_policies_of_all_environments_in_the_region_are_used(
        self, prepared: Prepare, existing: set[str]
    ) -> None:
        own = [f"{ARN}-execution-test-1", f"{ARN}-execution-test-2"]
        existing |= {*own, f"{ARN}-execution-far-1"}
        assert policies_for_bootstrap(prepared(), REGION) == own
        existing.add(f"{ARN}-execution-prod-1")
        found = policies_for_bootstrap(prepared(), REGION)
        assert found == [*own, f"{ARN}-execution-prod-1"]

    @pytest.mark.parametrize("present", [(), (f"{ARN}-execution-test-1",)])
    def test_missing_policies_are_an_error_with_the_command(
        self, prepared: Prepare, existing: set[str], present: tuple[str, ...]
    ) -> None:
        existing.update(present)
        with pytest.raises(UserError) as error:
            policies_for_bootstrap(prepared(), REGION)
        assert f"{ARN}-execution-test-2" in str(error.value)
        assert "\n  DEPLOY test\n" in str(error.value)
        assert "--cloudformation-execution-policies=ARN" in str(error.value)

    def test_an_environment_without_a_record_has_no_policy(
        self, prepared: Prepare, existing: set[str], recorded: dict[str, Rights]
    ) -> None:
        del recorded["test"]
        existing.add(f"{ARN}-execution-prod-1")
        with pytest.raises(UserError, match="no policy with which CloudFormation may deploy test"):
            policies_for_bootstrap(prepared(), REGION)


@pytest.fixture
def iam(account: FakeAccount, prepared: Prepare) -> Mock:
    """IAM, where CloudFormation's role has the recorded policies; the roles need the boundary."""
    client = account.client
    client.exceptions.NoSuchEntityException = MissingError
    attached = [{"PolicyArn": f"{ARN}-execution-test-1"}]
    client.list_attached_role_policies.return_value = {"AttachedPolicies": attached}
    client.get_policy.return_value = {"Policy": {"DefaultVersionId": "v7"}}
    text = json.dumps({"Statement": [QUEUES]})
    text = text.replace("${AWS::Partition}", "aws").replace("${AWS::AccountId}", ACCOUNT)
    client.get_policy_version.return_value = {"PolicyVersion": {"Document": json.loads(text)}}
    folder = prepared().assembly
    (folder / DATA.template).write_text("{}")
    (folder / ROLES.template).write_text('{"PermissionsBoundary": "acme-boundary-test"}')
    return client


class TestDeploy:
    def test_rights_that_are_deployed_are_enough(
        self,
        iam: Mock,
        prepared: Prepare,
        recorded: dict[str, Rights],
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        check_rights(prepared())
        assert capsys.readouterr().out == ""
        iam.list_attached_role_policies.assert_called_once_with(
            RoleName=f"cdk-cfn-exec-role-{ACCOUNT}"
        )
        iam.get_policy_version.assert_called_with(
            PolicyArn=f"{ARN}-execution-test-1", VersionId="v7"
        )
        del recorded["test"]
        iam.get_policy.side_effect = MissingError
        check_rights(prepared())  # nothing is recorded

    def test_missing_rights_are_said_before_the_deploy(
        self,
        iam: Mock,
        prepared: Prepare,
        recorded: dict[str, Rights],
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        more = Statement(Effect="Allow", Action=["sqs:DeleteQueue"], Resource=["*"])
        recorded["test"]["execution"].append([more])
        check_rights(prepared())
        output = capsys.readouterr().out
        assert "needs sqs:DeleteQueue on *\n" in output
        assert "\n  DEPLOY test\n" in output
        # With another policy, CloudFormation may do what nothing here records.
        iam.list_attached_role_policies.return_value["AttachedPolicies"].append(
            {"PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}
        )
        check_rights(prepared())
        assert capsys.readouterr().out == ""

    @pytest.mark.usefixtures("recorded")
    def test_a_missing_boundary_is_an_error_if_a_role_needs_it(
        self, iam: Mock, prepared: Prepare
    ) -> None:
        iam.get_policy.side_effect = MissingError
        with pytest.raises(UserError, match=f"{BOUNDARY} does not exist.* roles in Roles need it"):
            check_rights(prepared())
        attached = [{"PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}]
        iam.list_attached_role_policies.return_value = {"AttachedPolicies": attached}
        check_rights(prepared(artifacts=[DATA]))

    @pytest.mark.usefixtures("recorded")
    def test_rights_that_cannot_be_read_are_not_checked(
        self, iam: Mock, prepared: Prepare, capsys: pytest.CaptureFixture[str]
    ) -> None:
        iam.get_policy.side_effect = refused("AccessDenied")
        check_rights(prepared())
        assert "Not checked what CloudFormation may do: " in capsys.readouterr().out

    @pytest.mark.usefixtures("recorded")
    def test_the_local_cloud_and_stacks_of_a_person_are_not_checked(
        self, iam: Mock, prepared: Prepare
    ) -> None:
        check_rights(prepared("local"))
        check_rights(prepared(artifacts=[ROLES]))
        iam.get_policy.assert_not_called()
