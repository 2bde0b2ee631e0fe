"""DriftRole reads what drift detection compares, and none of the account's data.

MiniStack's IAM policy evaluator decides. cfn-lint holds AWS's resource type schemas.
"""

import pytest
from aws_cdk.assertions import Template
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER
from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

from stacks.delivery.repository import GitHubRepository
from stacks.delivery.stack import DeliveryStack
from tests.stacks import ENVIRONMENT, in_the_partition_aws, new_test_app

# The types in the foundation and in later phases. `Policy`, `QueuePolicy` and `TopicPolicy` have no
# read handler.
TYPES = {
    "ApplicationAutoScaling": ["ScalableTarget", "ScalingPolicy"],
    "CloudWatch": ["Alarm", "CompositeAlarm", "Dashboard"],
    "DynamoDB": ["GlobalTable", "Table"],
    "EC2": [
        *("EIP", "FlowLog", "InternetGateway", "NatGateway", "NetworkAcl", "Route", "RouteTable"),
        *("SecurityGroup", "SecurityGroupEgress", "SecurityGroupIngress", "Subnet"),
        *("SubnetRouteTableAssociation", "VPC", "VPCEndpoint", "VPCGatewayAttachment"),
    ],
    "ECR": ["Repository"],
    "ECS": ["CapacityProvider", "Cluster", "Service", "TaskDefinition"],
    "Events": ["EventBus", "Rule"],
    "IAM": ["ManagedPolicy", "OIDCProvider", "Role"],
    "KMS": ["Alias", "Key"],
    "Lambda": [
        *("Alias", "EventInvokeConfig", "EventSourceMapping", "Function", "LayerVersion"),
        *("Permission", "Url", "Version"),
    ],
    "Logs": ["LogGroup", "LogStream", "MetricFilter", "SubscriptionFilter"],
    "S3": ["Bucket", "BucketPolicy"],
    "SNS": ["Subscription", "Topic"],
    "SQS": ["Queue"],
    "SSM": ["Parameter"],
    "Scheduler": ["Schedule", "ScheduleGroup"],
    "SecretsManager": ["ResourcePolicy", "Secret"],
    "StepFunctions": ["Activity", "StateMachine", "StateMachineAlias"],
}
# What read handlers list besides: it returns data, changes something, or is no IAM action.
NOT_GRANTED = {
    "DynamoDB::GlobalTable": {"cloudwatch:PutMetricData"},
    "EC2::VPCEndpoint": {"vpc-lattice:DescribeServiceNetworkVpcEndpointAssociation"},
    "Events::Rule": {"iam:PassRole"},
    "Lambda::EventSourceMapping": {"kms:Decrypt"},
    "Lambda::Function": {"kms:Decrypt"},
    "SSM::Parameter": {"ssm:GetParameters"},
    "SecretsManager::Secret": {"secretsmanager:GetSecretValue"},
    "StepFunctions::StateMachine": {"kms:Decrypt"},
}

LAMBDA = f"arn:aws:lambda:eu-west-1:{ENVIRONMENT.account}"
FUNCTION, LAYER = f"{LAMBDA}:function:acme-prices-dev", f"{LAMBDA}:layer:acme-pandas:3"
BUCKET = "arn:aws:s3:::acme-data-dev"
OTHER_FUNCTION, OTHER_LAYER = f"{LAMBDA}:function:trades", f"{LAMBDA}:layer:trades:1"
OTHER_BUCKET = "arn:aws:s3:::trades"
OURS = (FUNCTION, f"{FUNCTION}:live", LAYER, BUCKET, f"{BUCKET}/raw/AAPL.parquet")
OTHERS = (OTHER_FUNCTION, OTHER_LAYER, OTHER_BUCKET, f"{OTHER_BUCKET}/raw/AAPL.parquet", "*")


@pytest.fixture(scope="module")
def policy() -> object:
    """DriftRole's parsed policy; it has no other."""
    stack = DeliveryStack(
        new_test_app(), ENVIRONMENT, repository=GitHubRepository("acme", 12, "ops", 345)
    )
    template = Template.from_json(in_the_partition_aws(Template.from_stack(stack).to_json()))
    (role,) = [key for key in template.find_resources("AWS::IAM::Role") if "Drift" in key]
    properties = template.find_resources("AWS::IAM::Role")[role]["Properties"]
    assert properties.keys() == {"AssumeRolePolicyDocument", "Description", "Tags"}
    policies = template.find_resources("AWS::IAM::ManagedPolicy").values()
    (attached,) = [
        each["Properties"] for each in policies if each["Properties"]["Roles"] == [{"Ref": role}]
    ]
    parsed: object = parse_policy_document(attached["PolicyDocument"])
    return parsed


def is_allowed(policy: object, action: str, resource: str) -> bool:
    request = EvalContext(
        principal_arn=f"arn:aws:sts::{ENVIRONMENT.account}:assumed-role/DriftRole/job",
        principal_type="AssumedRole",
        principal_account=str(ENVIRONMENT.account),
        action=action,
        resource_arn=resource,
        region=ENVIRONMENT.region,
    )
    return bool(evaluate(request, [policy]).decision == "Allow")


def test_the_role_has_every_permission_of_the_read_handlers_that_returns_no_data(
    policy: object,
) -> None:
    refused: dict[str, set[str]] = {}
    for service, names in TYPES.items():
        for name in names:
            schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(
                "us-east-1", f"AWS::{service}::{name}"
            ).schema
            for action in schema["handlers"]["read"]["permissions"]:
                if not any(is_allowed(policy, action, resource) for resource in (*OURS, "*")):
                    refused.setdefault(f"{service}::{name}", set()).add(action)
    assert refused == NOT_GRANTED


@pytest.mark.parametrize(
    "action",
    [
        "cloudformation:DescribeStackDriftDetectionStatus",
        "cloudformation:DescribeStackResourceDrifts",
        "cloudformation:DescribeStacks",
        "cloudformation:DetectStackDrift",
        "cloudformation:DetectStackResourceDrift",
    ],
)
def test_the_role_detects_drift(policy: object, action: str) -> None:
    assert is_allowed(policy, action, "*")


@pytest.mark.parametrize(
    "action",
    [
        "athena:GetQueryResults",
        "cloudformation:CreateChangeSet",
        "cloudwatch:GetMetricData",
        "dynamodb:BatchGetItem",
        "dynamodb:GetItem",
        "dynamodb:GetRecords",
        "dynamodb:PartiQLSelect",
        "dynamodb:Query",
        "dynamodb:Scan",
        "ec2:DescribeInstanceAttribute",  # returns user data
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
        "kinesis:GetRecords",
        "kms:Decrypt",
        "lambda:InvokeFunction",
        "lambda:ListFunctions",  # returns every function's variables
        "logs:FilterLogEvents",
        "logs:GetLogEvents",
        "logs:GetQueryResults",
        "rds:DownloadDBLogFilePortion",
        "s3:GetObject",
        "s3:GetObjectTagging",
        "s3:GetObjectVersion",
        "secretsmanager:BatchGetSecretValue",
        "secretsmanager:GetSecretValue",
        "sns:GetEndpointAttributes",
        "sqs:ReceiveMessage",
        "ssm:GetParameter",
        "ssm:GetParameterHistory",
        "ssm:GetParameters",
        "ssm:GetParametersByPath",
        "states:DescribeExecution",
        "states:GetExecutionHistory",
        "sts:AssumeRole",
    ],
)
def test_the_role_reads_no_data_and_assumes_no_role(policy: object, action: str) -> None:
    assert [each for each in (*OURS, *OTHERS) if is_allowed(policy, action, each)] == []


@pytest.mark.parametrize(
    ("action", "ours", "others"),
    [
        ("lambda:GetFunction", FUNCTION, OTHER_FUNCTION),
        ("lambda:GetFunctionConfiguration", f"{FUNCTION}:live", OTHER_FUNCTION),
        ("lambda:GetLayerVersion", LAYER, OTHER_LAYER),
        ("s3:ListBucket", BUCKET, OTHER_BUCKET),
    ],
)
def test_code_variables_and_keys_are_readable_in_this_project_only(
    policy: object, action: str, ours: str, others: str
) -> None:
    assert is_allowed(policy, action, ours)
    assert not is_allowed(policy, action, others)
