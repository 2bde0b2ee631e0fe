"""The GitHub Actions jobs that may assume the delivery roles, and the roles' permissions.

The local cloud evaluates the trust policies, but does not check token signatures. It detects drift
without the caller's permission to read the resources (tests/delivery tests these).
"""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from stacks.core.environment import Environment
from stacks.core.rights import Rights, Statement
from stacks.delivery.repository import AUDIENCE, ISSUER, GitHubRepository
from stacks.delivery.stack import DeliveryStack
from tests.accounts import entered
from tests.clouds import ACCOUNT, Tools
from tests.stacks import new_test_app
from tools.local_cloud.client import LocalCloud

OWNER, OWNER_ID, NAME, ID = "Acme", 12, "ops", 345
REPOSITORY = GitHubRepository(OWNER, OWNER_ID, NAME, ID)
(JOB,) = REPOSITORY.subjects("dev")
REPO = JOB.removesuffix(":environment:dev")

ACCOUNT_ENVIRONMENT = Environment(name="account")
FLAGS = ("--environment=account", "--to=aws")

RECORDED = Statement(Effect="Allow", Action=["s3:GetBucketPolicy"], Resource=["*"])

REFUSED = {
    "another branch": {"sub": f"{REPO}:ref:refs/heads/feature"},
    "a pull request": {"sub": f"{REPO}:pull_request"},
    "another environment": {"sub": f"{REPO}:environment:development"},
    "a fork": {"sub": f"repo:mallory@666/{NAME}@667:environment:dev"},
    "another case of the owner's name": {
        "sub": f"repo:{OWNER.lower()}@{OWNER_ID}/{NAME}@{ID}:environment:dev"
    },
    "another audience": {"aud": f"https://github.com/{OWNER}"},
    "another issuer": {"iss": "https://token.example.com"},
}


def token(**claims: str) -> str:
    """A GitHub Actions token for the job that may deploy, with other `claims`."""
    payload = {"iss": f"https://{ISSUER}", "aud": AUDIENCE, "sub": JOB} | claims
    parts = (json.dumps(part).encode() for part in ({"alg": "RS256"}, payload, {}))
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


@pytest.fixture(scope="module")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The delivery stack's cloud assembly."""
    assembly = tmp_path_factory.mktemp("assembly")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CDK_OUTDIR", str(assembly))
        app = new_test_app()
        # MiniStack has no OIDC providers; it knows the issuer from the trust policies.
        DeliveryStack(
            app,
            ACCOUNT_ENVIRONMENT,
            repository=REPOSITORY,
            rights={"dev": Rights(boundary=[], drift=[[RECORDED]], execution=[])},
            create_provider=False,
        )
        app.synth()
    return assembly


@pytest.fixture(scope="module")
def roles(
    tools: Tools, cloud: LocalCloud, aws_account: dict[str, str], delivery: Path
) -> Iterator[dict[str, str]]:
    """The ARNs of the deployed stack's two roles, by output."""
    done = tools("deploy", *FLAGS, "--yes", app=delivery, **aws_account)
    assert done.status == 0, done.output
    with entered(cloud, account=ACCOUNT):
        found = boto3.client("cloudformation").describe_stacks(
            StackName=ACCOUNT_ENVIRONMENT.stack_name("delivery")
        )
        yield {
            output["OutputKey"]: output["OutputValue"] for output in found["Stacks"][0]["Outputs"]
        }


def assume(role: str, **claims: str) -> boto3.Session:
    answer = boto3.client("sts").assume_role_with_web_identity(
        RoleArn=role, RoleSessionName="job", WebIdentityToken=token(**claims)
    )
    given = answer["Credentials"]
    return boto3.Session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


def may_assume(session: boto3.Session, kind: str) -> bool:
    """Whether the session may assume a bootstrap role."""
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
        ("DriftRoleArn", set()),
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


def test_the_drift_command_needs_only_the_drift_role(
    tools: Tools, aws_account: dict[str, str], delivery: Path, roles: dict[str, str]
) -> None:
    keys = assume(roles["DriftRoleArn"]).get_credentials()
    assert keys
    assert keys.token
    job = aws_account | {
        "AWS_ACCESS_KEY_ID": keys.access_key,
        "AWS_SECRET_ACCESS_KEY": keys.secret_key,
        "AWS_SESSION_TOKEN": keys.token,
    }
    done = tools("drift", *FLAGS, app=delivery, **job)
    # MiniStack does not check managed policies for drift.
    assert done.status == 1, done.output
    assert set(re.findall(r"^(\S+) not checked: ", done.output, re.MULTILINE)) == {
        "DeliveryStack/DeployRolePolicy",
        "DeliveryStack/DriftRolePolicy",
        "DeliveryStack/DriftRolePolicy-dev-1",
    }
    assert "Number of resources with drift: 0" in done.output
