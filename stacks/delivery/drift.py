"""What DriftRole may read: resource configurations, not the data in the resources.

CloudFormation reads each resource with the permissions of the principal that detects drift. For
another service's resource, add the actions that its read handler needs (`handlers.read.permissions`
in the resource type's schema). If the role cannot read a resource, `nox -s drift` fails, because
nothing compared it.
"""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

# The user guide asks for the first three (CloudFormation user guide, "Considerations when
# detecting drift"). `nox -s drift` also calls the others.
DETECT = [
    "cloudformation:BatchDescribeTypeConfigurations",
    "cloudformation:DetectStackDrift",
    "cloudformation:DetectStackResourceDrift",
    "cloudformation:DescribeStack*",
    "cloudformation:ListStackResources",
]

# Services in the foundation and in later phases. A wildcard covers only actions that return no
# data: `states:Describe*`, for example, would include execution input.
CONFIGURATION = [
    "application-autoscaling:Describe*",
    "application-autoscaling:ListTagsForResource",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:GetDashboard",
    "cloudwatch:ListTagsForResource",
    "dynamodb:Describe*",
    "dynamodb:GetResourcePolicy",
    "dynamodb:ListTagsOfResource",
    "ec2:DescribeAddresses",
    "ec2:DescribeFlowLogs",
    "ec2:DescribeInternetGateways",
    "ec2:DescribeNatGateways",
    "ec2:DescribeNetworkAcls",
    "ec2:DescribeRouteTables",
    "ec2:DescribeSecurityGroup*",
    "ec2:DescribeSubnets",
    "ec2:DescribeTags",
    "ec2:DescribeVpc*",
    "ec2:DescribeVpnGateways",
    "ecr:DescribeRepositories",
    "ecr:GetLifecyclePolicy",
    "ecr:GetRepositoryPolicy",
    "ecr:ListTagsForResource",
    "ecs:DescribeCapacityProviders",
    "ecs:DescribeClusters",
    "ecs:DescribeServices",
    "ecs:DescribeTaskDefinition",
    "ecs:ListTagsForResource",
    "events:Describe*",
    "events:List*",
    "iam:GetOpenIDConnectProvider",
    "iam:GetPolicy*",
    "iam:GetRole*",
    "iam:ListAttachedRolePolicies",
    "iam:ListEntitiesForPolicy",
    "iam:ListRolePolicies",
    "kms:DescribeKey",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListAliases",
    "kms:ListResourceTags",
    "lambda:GetEventSourceMapping",
    "lambda:ListTags",
    "logs:Describe*",
    "logs:GetDataProtectionPolicy",
    "logs:ListTagsForResource",
    "s3:Get*Configuration",
    "s3:GetBucket*",
    "s3:ListTagsForResource",
    "scheduler:Get*",
    "scheduler:ListTagsForResource",
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetResourcePolicy",
    "sns:GetDataProtectionPolicy",
    "sns:GetSubscriptionAttributes",
    "sns:GetTopicAttributes",
    "sns:ListSubscriptionsByTopic",
    "sns:ListTagsForResource",
    "sqs:GetQueueAttributes",
    "sqs:ListQueueTags",
    "ssm:ListTagsForResource",
    "states:DescribeActivity",
    "states:DescribeStateMachine*",
    "states:ListTagsForResource",
]

FUNCTIONS = [
    "lambda:GetAlias",
    "lambda:GetFunction*",
    "lambda:GetLayerVersion",
    "lambda:GetPolicy",
    "lambda:GetProvisionedConcurrencyConfig",
    "lambda:GetRuntimeManagementConfig",
]
# S3 finds a bucket only for a principal that may list the bucket's keys.
BUCKETS = ["s3:ListBucket"]


def statements(project: str, account: str) -> list[iam.PolicyStatement]:
    """DriftRole's policy statements in `account`.

    Function code and variables, and bucket keys, are readable only in this project, whose
    functions, layers and buckets have names that begin with `<project>-`.
    """
    arn = f"arn:{cdk.Aws.PARTITION}"
    functions = [f"{arn}:lambda:*:{account}:{kind}:{project}-*" for kind in ("function", "layer")]
    return [
        iam.PolicyStatement(sid="DetectDrift", actions=DETECT, resources=["*"]),
        iam.PolicyStatement(sid="ReadConfiguration", actions=CONFIGURATION, resources=["*"]),
        iam.PolicyStatement(sid="ReadFunctions", actions=FUNCTIONS, resources=functions),
        iam.PolicyStatement(
            sid="FindBuckets", actions=BUCKETS, resources=[f"{arn}:s3:::{project}-*"]
        ),
    ]
