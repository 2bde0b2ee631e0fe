"""What DriftRole may call to detect drift, besides reading the environments' resources.

CloudFormation reads each resource with the permissions of the principal that detects drift.
`nox -s snapshots` records what the read handlers of the environments' resource types need. If the
role cannot read a resource, `nox -s drift` fails, because nothing compared it.
"""

from stacks.core.rights import Statement

# The user guide asks for the first three (CloudFormation user guide, "Considerations when
# detecting drift"). `nox -s drift` also calls the others.
DETECT = Statement(
    Effect="Allow",
    Action=[
        "cloudformation:BatchDescribeTypeConfigurations",
        "cloudformation:DetectStackDrift",
        "cloudformation:DetectStackResourceDrift",
        "cloudformation:DescribeStack*",
        "cloudformation:ListStackResources",
    ],
    Resource=["*"],
)
# What the stacks of the account itself hold: roles, policies and GitHub's OIDC provider.
ACCOUNT = Statement(
    Effect="Allow",
    Action=[
        "iam:GetOpenIDConnectProvider",
        "iam:GetPolicy",
        "iam:GetPolicyVersion",
        "iam:GetRole",
        "iam:GetRolePolicy",
        "iam:ListAttachedRolePolicies",
        "iam:ListEntitiesForPolicy",
        "iam:ListRolePolicies",
    ],
    Resource=["*"],
)
