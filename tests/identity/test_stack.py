"""The identity stack: its exports, and its wildcards, which each need a reason.

snapshots/ records the policies. tests/cloud/test_permissions.py makes the calls that the policies
allow and deny.
"""

from collections.abc import Callable

import pytest
from aws_cdk import aws_iam as iam

from stacks.core.app import new_app
from stacks.identity.stack import IdentityStack
from tests.support import ENVIRONMENT

BUCKET = "arn:aws:s3:::bucket"


# Only the other role's policy acknowledges the second finding.
@pytest.mark.parametrize(
    ("action", "resource", "finding"),
    [
        ("s3:*", BUCKET, r"IAM5\[Action::s3:\*\]"),
        ("ecr:GetAuthorizationToken", "*", r"IAM5\[Resource::\*\]"),
    ],
)
def test_a_new_wildcard_without_a_reason_fails_the_synthesis(
    action: str, resource: str, finding: str
) -> None:
    app = new_app()
    stack = IdentityStack(
        app, ENVIRONMENT, data_bucket_arn=BUCKET, repository_arn="arn:aws:ecr:::images"
    )
    policy = stack.node.find_child("LambdaExecutionRolePolicy")
    assert isinstance(policy, iam.ManagedPolicy)
    policy.add_statements(iam.PolicyStatement(actions=[action], resources=[resource]))
    with pytest.raises(RuntimeError, match=f"Acknowledge with .*{finding}"):
        app.synth()


def test_the_app_has_this_stack_with_the_reviewed_exports(check_app: Callable[[], None]) -> None:
    check_app()
