"""The jobs of GitHub Actions that may assume the delivery roles, and the roles' permissions.

The local cloud evaluates the trust policies, but does not check the signature of a token.
"""

import base64
import json
from collections.abc import Iterator

import boto3
import pytest
from botocore.exceptions import ClientError

from stacks.core.environment import Environment
from stacks.delivery.repository import AUDIENCE, ISSUER, REPOSITORY
from stacks.delivery.stack import DeliveryStack
from tests.cloud.conftest import ACCOUNT, Tools
from tests.support import entered, new_test_app
from tools.local_cloud.client import LocalCloud

OWNER, NAME = REPOSITORY.owner, REPOSITORY.name
OWNER_ID, ID = REPOSITORY.owner_id, REPOSITORY.repository_id
(JOB,) = REPOSITORY.subjects("dev")
REPO = JOB.removesuffix(":environment:dev")

REFUSED = {
    "another branch": {"sub": f"{REPO}:ref:refs/heads/feature"},
    "main, without the environment": {"sub": f"{REPO}:ref:refs/heads/main"},
    "a pull request": {"sub": f"{REPO}:pull_request"},
    "another environment": {"sub": f"{REPO}:environment:development"},
    "a fork": {"sub": f"repo:mallory@666/{NAME}@667:environment:dev"},
    "a repository with the same name prefix": {
        "sub": f"repo:{OWNER}@{OWNER_ID}/{NAME}-x@{ID}1:environment:dev"
    },
    "a new owner of the same names": {"sub": f"repo:{OWNER}@1/{NAME}@2:environment:dev"},
    "a subject without ids": {"sub": f"repo:{OWNER}/{NAME}:environment:dev"},
    "another audience": {"aud": f"https://github.com/{OWNER}"},
    "another issuer": {"iss": "https://token.example.com"},
}


def token(**claims: str) -> str:
    """A token of GitHub Actions for the job that may deploy, with other `claims`."""
    payload = {"iss": f"https://{ISSUER}", "aud": AUDIENCE, "sub": JOB} | claims
    parts = (json.dumps(part).encode() for part in ({"alg": "RS256"}, payload, {}))
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


@pytest.fixture(scope="module")
def roles(
    tools: Tools,
    cloud: LocalCloud,
    account: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, str]]:
    """The ARNs of the two roles of the deployed stack, by output."""
    assembly = tmp_path_factory.mktemp("assembly")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CDK_OUTDIR", str(assembly))
        app = new_test_app()
        # MiniStack has no OIDC providers; it knows the issuer from the trust policies.
        stack = DeliveryStack(
            app, Environment(name="account"), repository=REPOSITORY, create_provider=False
        )
        app.synth()
    flags = ("--environment=account", "--to=aws", "--yes")
    done = tools("deploy", *flags, app=assembly, **account)
    assert done.status == 0, done.output
    with entered(cloud, account=ACCOUNT):
        outputs = boto3.client("cloudformation").describe_stacks(StackName=stack.stack_name)
        yield {
            output["OutputKey"]: output["OutputValue"] for output in outputs["Stacks"][0]["Outputs"]
        }


def assume(role: str, **claims: str) -> boto3.Session:
    answer = boto3.client("sts").assume_role_with_web_identity(
        RoleArn=role, RoleSessionName="job", WebIdentityToken=token(**claims)
    )
    given = answer["Credentials"]
    return boto3.Session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


def may_assume(session: boto3.Session, kind: str) -> bool:
    """Whether the session may assume a role of the bootstrap."""
    role = f"arn:aws:iam::{ACCOUNT}:role/cdk-hnb659fds-{kind}-role-{ACCOUNT}-us-east-1"
    try:
        session.client("sts").assume_role(RoleArn=role, RoleSessionName="deploy")
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDenied":
            raise
        return False
    return True


@pytest.mark.parametrize("role", ["DeployRoleArn", "DriftRoleArn"])
@pytest.mark.parametrize("case", REFUSED)
def test_another_job_cannot_assume_a_role(role: str, case: str, roles: dict[str, str]) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        assume(roles[role], **REFUSED[case])


@pytest.mark.parametrize(
    ("role", "kinds"),
    [
        ("DeployRoleArn", {"deploy", "file-publishing", "image-publishing", "lookup"}),
        ("DriftRoleArn", {"lookup"}),
    ],
)
def test_a_job_of_the_environment_assumes_only_these_roles(
    role: str, kinds: set[str], roles: dict[str, str]
) -> None:
    session = assume(roles[role])
    all_kinds = ("deploy", "file-publishing", "image-publishing", "lookup", "cfn-exec")
    assert {kind for kind in all_kinds if may_assume(session, kind)} == kinds


def test_the_roles_cannot_change_resources_directly(roles: dict[str, str]) -> None:
    for role in roles.values():
        with pytest.raises(ClientError, match="AccessDenied"):
            assume(role).client("s3").create_bucket(Bucket="theirs")
        with pytest.raises(ClientError, match="AccessDenied"):
            assume(role).client("cloudformation").delete_stack(StackName="CDKToolkit")


def test_the_drift_role_detects_drift(roles: dict[str, str]) -> None:
    client = assume(roles["DriftRoleArn"]).client("cloudformation")
    assert client.detect_stack_drift(StackName="CDKToolkit")["StackDriftDetectionId"]
