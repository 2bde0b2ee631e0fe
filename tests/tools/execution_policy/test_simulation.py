"""CloudFormation may do what every resource type needs, for its whole life, and nothing else.

MiniStack's IAM evaluator decides. Its CloudFormation ignores the execution role, so no deploy to
the local cloud tests these policies.
"""

import re
from collections.abc import Iterable

import pytest

from stacks.core.rights import Rights
from tests.tools.execution_policy.conftest import (
    ACCOUNT,
    BOUNDARY,
    POLICY,
    REGION,
    ROLE,
    Simulator,
    role,
    write_assembly,
)
from tools.execution_policy import table
from tools.execution_policy.aws import find_action, handlers
from tools.execution_policy.policy import rights
from tools.project import ROOT

PAGE = ROOT / "docs" / "execution-policy.md"
EC2 = f"arn:aws:ec2:{REGION}:{ACCOUNT}"
LAMBDA = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function"
LOGS = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group"
TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table"

# The resources as AWS names them, also where CloudFormation generates the name. A long stack name
# is cut: `acme-growth-ingest-test` fits, and test_policy has longer ones.
RESOURCES = {
    "AWS::S3::Bucket": ["arn:aws:s3:::acme-data-test"],
    "AWS::S3::BucketPolicy": ["arn:aws:s3:::acme-data-test"],
    "AWS::ECR::Repository": [f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/acme-ecr-test"],
    "AWS::IAM::Role": [
        f"{ROLE}/acme-identity-test-LambdaExecutionRoleD5C26073-Ab12Cd34Ef56",
        f"{ROLE}/acme-growth-ingest-test-StateMachineEventsRole99DE-Ab12Cd34Ef56",
    ],
    "AWS::IAM::ManagedPolicy": [
        f"{POLICY}/acme-identity-test-LambdaExecutionRolePolicyE2915EBC-Ab12Cd34Ef56"
    ],
    "AWS::IAM::Policy": [f"{ROLE}/acme-growth-ingest-test-StateMachineRoleB840431D-Ab12Cd34Ef56"],
    "AWS::DynamoDB::Table": [f"{TABLE}/acme-growth-prices-test"],
    "AWS::Lambda::Function": [
        f"{LAMBDA}:acme-growth-ingest-test",
        f"{LAMBDA}:acme-growth-tasks-test-CustomVpcRestrictDefaultSG-Ab12Cd34Ef56",
    ],
    "Custom::VpcRestrictDefaultSG": [
        f"{LAMBDA}:acme-growth-tasks-test-CustomVpcRestrictDefaultSG-Ab12Cd34Ef56"
    ],
    "AWS::Logs::LogGroup": [
        f"{LOGS}:/acme/test/growth",
        f"{LOGS}:/aws/lambda/acme-growth-ingest-test:log-stream:",
    ],
    "AWS::StepFunctions::StateMachine": [
        f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:acme-growth-ingest-test"
    ],
    "AWS::Events::Rule": [
        f"arn:aws:events:{REGION}:{ACCOUNT}:rule/acme-growth-ingest-test-EachDay1DC1-Ab12Cd34Ef56"
    ],
    "AWS::ECS::Cluster": [f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/acme-growth-test"],
    "AWS::ECS::TaskDefinition": [
        f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/GrowthTasksStackTrainABDA4861:7"
    ],
    "AWS::EC2::VPC": [f"{EC2}:vpc/vpc-1"],
    "AWS::EC2::Subnet": [f"{EC2}:subnet/subnet-1", f"{EC2}:vpc/vpc-1"],
    "AWS::EC2::RouteTable": [f"{EC2}:route-table/rtb-1", f"{EC2}:vpc/vpc-1"],
    "AWS::EC2::SubnetRouteTableAssociation": [
        f"{EC2}:route-table/rtb-1",
        f"{EC2}:subnet/subnet-1",
    ],
    "AWS::EC2::Route": [f"{EC2}:route-table/rtb-1"],
    "AWS::EC2::InternetGateway": [f"{EC2}:internet-gateway/igw-1"],
    "AWS::EC2::VPCGatewayAttachment": [f"{EC2}:internet-gateway/igw-1", f"{EC2}:vpc/vpc-1"],
}
# What an action concerns that is no resource of the type.
OTHERS = {
    "iam:PassRole": [f"{ROLE}/acme-identity-test-LambdaExecutionRoleD5C26073-Ab12Cd34Ef56"],
    "iam:GetRole": [f"{ROLE}/acme-identity-test-LambdaExecutionRoleD5C26073-Ab12Cd34Ef56"],
    "iam:CreateServiceLinkedRole": [
        f"{ROLE}/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
    ],
    "iam:AttachRolePolicy": [f"{ROLE}/acme-identity-test-LambdaExecutionRoleD5C26073-Ab12Cd34"],
    "iam:DetachRolePolicy": [f"{ROLE}/acme-identity-test-LambdaExecutionRoleD5C26073-Ab12Cd34"],
    "lambda:GetLayerVersion": [f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:acme-pandas-test:3"],
    "lambda:GetCodeSigningConfig": [f"arn:aws:lambda:{REGION}:{ACCOUNT}:code-signing-config:csc-1"],
    "s3:GetObject": [f"arn:aws:s3:::cdk-hnb659fds-assets-{ACCOUNT}-{REGION}/0123.zip"],
    "ssm:GetParameters": [
        f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/cdk-bootstrap/hnb659fds/version"
    ],
}
SERVICES = ["lambda.amazonaws.com", "ecs-tasks.amazonaws.com", "states.amazonaws.com"]
KEYS = {"PassedToService": "lambda.amazonaws.com", "PermissionsBoundary": BOUNDARY}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Rights:
    """The rights of a stack with a resource of every type, without rows of the user."""
    resources: dict[str, object] = {
        resource_type.replace(":", ""): {"Type": resource_type} for resource_type in RESOURCES
    }
    resources["AWSIAMRole"] = role(service=SERVICES)
    family = {"Family": "GrowthTasksStackTrainABDA4861"}
    resources["AWSECSTaskDefinition"] = {"Type": "AWS::ECS::TaskDefinition", "Properties": family}
    folder = tmp_path_factory.mktemp("every-type")
    write_assembly(folder, resources, cloudFormationExecutionRoleArn="cfn")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table, "OWN", folder / "none.toml")
        found = rights(folder)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def cloudformation(recorded: Rights) -> Simulator:
    """What CloudFormation may do."""
    return Simulator(*recorded["execution"])


def calls() -> list[tuple[str, str]]:
    """Each type and action in the page's table of what CloudFormation calls."""
    found = []
    for line in PAGE.read_text().splitlines():
        if line.startswith(("| `AWS::", "| `Custom::")):
            _, resource_type, *cells, _sources, _ = line.split("|")
            actions = re.findall(r"`([a-z0-9]+:\w+)`", " ".join(cells))
            found += [(resource_type.strip(" `"), action) for action in actions]
    return found


def refused(
    simulator: Simulator, requests: Iterable[tuple[str, str]]
) -> list[tuple[str, str, str]]:
    """Each type, action and resource that is not allowed."""
    return [
        (resource_type, action, resource)
        for resource_type, action in requests
        for resource in OTHERS.get(action, RESOURCES[resource_type])
        if not simulator.allows(action, resource, **KEYS) and not simulator.allows(action, **KEYS)
    ]


def test_every_action_of_every_handler_is_allowed(cloudformation: Simulator) -> None:
    """Except what table.toml excludes, and names that are no IAM actions."""
    assert "s3:CreateBucket" in handlers("AWS::S3::Bucket")["create"]
    listed = {
        (resource_type, action)
        for resource_type in RESOURCES
        for actions in handlers(resource_type).values()
        for action in actions
        if find_action(action) and not table.is_excluded(resource_type, action)
    }
    assert refused(cloudformation, listed) == []


def test_everything_that_cloudformation_calls_by_the_page_is_allowed(
    cloudformation: Simulator,
) -> None:
    assert {resource_type for resource_type, _ in calls()} == RESOURCES.keys()
    assert refused(cloudformation, calls()) == []


OWN_ROLE = f"{ROLE}/acme-identity-test-Role-Ab12"
REFUSED = [
    ("iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/mallory"),
    ("iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/acme-mallory-test"),
    ("iam:CreateAccessKey", f"arn:aws:iam::{ACCOUNT}:user/acme-mallory-test"),
    ("iam:CreateLoginProfile", f"arn:aws:iam::{ACCOUNT}:user/admin"),
    ("iam:AttachUserPolicy", f"arn:aws:iam::{ACCOUNT}:user/acme-mallory-test"),
    ("iam:PutUserPolicy", f"arn:aws:iam::{ACCOUNT}:user/acme-mallory-test"),
    ("iam:AddUserToGroup", f"arn:aws:iam::{ACCOUNT}:group/admins"),
    ("iam:AttachGroupPolicy", f"arn:aws:iam::{ACCOUNT}:group/acme-admins-test"),
    ("iam:CreateOpenIDConnectProvider", f"arn:aws:iam::{ACCOUNT}:oidc-provider/example.com"),
    ("iam:UpdateOpenIDConnectProviderThumbprint", f"arn:aws:iam::{ACCOUNT}:oidc-provider/x"),
    ("iam:DeleteRolePermissionsBoundary", OWN_ROLE),
    ("iam:CreatePolicyVersion", f"{POLICY}/execution/acme-execution-test-1"),
    ("iam:SetDefaultPolicyVersion", f"{POLICY}/execution/acme-execution-test-1"),
    ("iam:DeletePolicy", f"{POLICY}/execution/acme-boundary-test"),
    ("iam:CreatePolicyVersion", BOUNDARY),
    ("iam:UpdateAssumeRolePolicy", f"{ROLE}/acme-delivery-account-DeployRole-Ab12"),
    ("iam:AttachRolePolicy", f"{ROLE}/cdk-hnb659fds-cfn-exec-role-{ACCOUNT}-{REGION}"),
    ("iam:PassRole", f"{ROLE}/cdk-hnb659fds-cfn-exec-role-{ACCOUNT}-{REGION}"),
    ("iam:PassRole", f"{ROLE}/admin"),
    ("iam:PassRole", f"{ROLE}/other-identity-test-Role-Ab12"),
    ("sts:AssumeRole", f"{ROLE}/admin"),
    ("iam:CreateServiceLinkedRole", f"{ROLE}/aws-service-role/guardduty.amazonaws.com/Any"),
    ("organizations:LeaveOrganization", "*"),
    ("organizations:DescribeOrganization", "*"),
    ("account:CloseAccount", "*"),
    ("account:PutAlternateContact", "*"),
    ("aws-portal:ModifyBilling", "*"),
    ("billing:UpdateBillingPreferences", "*"),
    ("ce:CreateCostCategoryDefinition", "*"),
    ("kms:Decrypt", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0"),
    ("kms:PutKeyPolicy", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0"),
    ("kms:ScheduleKeyDeletion", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0"),
    ("cloudtrail:StopLogging", f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/all"),
    ("cloudtrail:DeleteTrail", f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/all"),
    ("guardduty:DeleteDetector", f"arn:aws:guardduty:{REGION}:{ACCOUNT}:detector/1"),
    ("guardduty:UpdateDetector", f"arn:aws:guardduty:{REGION}:{ACCOUNT}:detector/1"),
    ("config:StopConfigurationRecorder", "*"),
    ("securityhub:DisableSecurityHub", "*"),
    ("access-analyzer:DeleteAnalyzer", "*"),
    ("s3:GetObject", "arn:aws:s3:::acme-data-test/raw/AAPL.parquet"),
    ("s3:DeleteObject", "arn:aws:s3:::acme-data-test/raw/AAPL.parquet"),
    ("s3:PutBucketPolicy", "arn:aws:s3:::other-data-test"),
    ("s3:DeleteBucket", "arn:aws:s3:::acme-data-prod"),
    ("s3:PutAccountPublicAccessBlock", "*"),
    ("dynamodb:GetItem", f"{TABLE}/acme-growth-prices-test"),
    ("dynamodb:DeleteTable", f"{TABLE}/other-prices-test"),
    ("dynamodb:DeleteTable", f"{TABLE}/acme-prices-prod"),
    ("dynamodb:DeleteBackup", f"{TABLE}/acme-growth-prices-test/backup/1"),
    ("dynamodb:CreateTable", f"arn:aws:dynamodb:us-west-2:{ACCOUNT}:table/acme-prices-test"),
    ("lambda:UpdateFunctionCode", f"{LAMBDA}:other-ingest-test"),
    ("lambda:CreateFunction", f"arn:aws:lambda:us-west-2:{ACCOUNT}:function:acme-ingest-test"),
    ("logs:DeleteLogGroup", f"{LOGS}:/aws/lambda/other-ingest-test"),
    ("logs:PutResourcePolicy", "*"),
    ("ecr:BatchGetImage", f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/acme-ecr-test"),
    ("ecr:DeleteRepository", f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/other"),
    ("ec2:DeleteVpc", f"arn:aws:ec2:us-west-2:{ACCOUNT}:vpc/vpc-1"),
    ("ec2:RunInstances", f"{EC2}:instance/*"),
    ("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:db"),
    ("ssm:GetParameters", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/db/password"),
    ("cloudformation:DeleteStack", f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/other/1"),
]


@pytest.mark.parametrize(("action", "resource"), REFUSED)
def test_what_nobody_needs_is_refused(
    cloudformation: Simulator, action: str, resource: str
) -> None:
    assert not cloudformation.allows(action, resource, **KEYS)


def test_a_request_in_another_region_is_refused(cloudformation: Simulator) -> None:
    assert cloudformation.allows("ec2:DescribeVpcs")
    assert not cloudformation.allows("ec2:DescribeVpcs", region="us-west-2")


def test_a_role_needs_the_boundary(cloudformation: Simulator) -> None:
    actions = ("CreateRole", "PutRolePolicy", "AttachRolePolicy", "PutRolePermissionsBoundary")
    for action in (*actions, "UpdateAssumeRolePolicy"):
        assert cloudformation.allows(f"iam:{action}", OWN_ROLE, PermissionsBoundary=BOUNDARY)
        other = f"{POLICY}/acme-data-test-Wide-Ab12"
        assert not cloudformation.allows(f"iam:{action}", OWN_ROLE, PermissionsBoundary=other)
        assert not cloudformation.allows(f"iam:{action}", OWN_ROLE)


def test_no_policy_has_a_wildcard_action(recorded: Rights) -> None:
    actions = {
        action
        for policy in recorded["execution"] + recorded["drift"]
        for statement in policy
        for action in statement["Action"]
    }
    assert [action for action in actions if "*" in action or action.startswith("sts:")] == []


def test_drift_detection_reads_configuration_of_the_environment_only(recorded: Rights) -> None:
    drift = Simulator(*recorded["drift"])
    for resource_type, (resource, *_) in RESOURCES.items():
        for action in handlers(resource_type)["read"]:
            verb = action.partition(":")[2]
            expected = verb.startswith(("Get", "Describe", "List")) and "Metadata" not in verb
            expected = expected and not action.startswith("kms:")
            found = drift.allows(action, resource) or drift.allows(action)
            assert found == expected, action
    for action, resource in [
        ("s3:GetObject", "arn:aws:s3:::acme-data-test/raw/AAPL.parquet"),
        ("s3:ListBucket", "arn:aws:s3:::other-data-test"),
        ("lambda:GetFunction", f"{LAMBDA}:other"),
        ("dynamodb:Scan", f"{TABLE}/acme-growth-prices-test"),
        ("iam:PassRole", OWN_ROLE),
        ("sts:AssumeRole", OWN_ROLE),
    ]:
        assert not drift.allows(action, resource)
