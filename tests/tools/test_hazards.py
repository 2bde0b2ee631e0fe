"""What the guard stops, and what passes, when somebody changes the code of the real stacks."""

import json
from collections.abc import Mapping
from types import ModuleType

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from stacks.environment import Environment
from stacks.registry.exports import REPOSITORY_ARN
from stacks.storage.exports import DATA_BUCKET_ARN
from tools.cdk import ROOT
from tools.guard import changes
from tools.guard.hazards import hazards
from tools.snapshots import FOLDER

CONTEXT = json.loads((ROOT / "cdk.json").read_text())["context"]
BUCKET = "DataBucket (AWS::S3::Bucket)"
TLS_DENIAL = (
    "AWS:* is no longer denied s3:* on ${DataBucketE3889A50.Arn}%s"
    ' if {"Bool": {"aws:SecureTransport": "false"}}'
)
TLS_VERSION_DENIAL = (
    "AWS:* is no longer denied s3:* on ${DataBucketE3889A50.Arn}%s"
    ' if {"NumericLessThan": {"s3:TlsVersion": 1.2}}'
)
UNDENIED = [denial % end for denial in (TLS_DENIAL, TLS_VERSION_DENIAL) for end in ("", "/*")]
BUCKET_LEAVES = f"{BUCKET} leaves the stack, but is kept"
BUCKET_ARN = "${wealth-ops-storage-dev:DataBucketArn}"
LAMBDA_ROLE = "${LambdaExecutionRoleD5C26073}"
FARGATE_ROLE = "${FargateTaskRole44F4EBFF}"


class Case:
    """In a domain's stack.py, code and what it becomes; and what the guard says to that."""

    def __init__(self, domain: str, old: str, new: str, *said: str) -> None:
        self.domain = domain
        self.old = old
        self.new = new
        self.said = list(said)


def exports_of(bucket: str) -> list[str]:
    """What is said when the exports of the bucket become those of another one."""
    return [
        f"the export wealth-ops-storage-dev:{name} changes from "
        f"{form % 'DataBucketE3889A50'} to {form % bucket}"
        for name, form in (
            ("DataBucketName", '{"Ref": "%s"}'),
            ("DataBucketArn", '{"Fn::GetAtt": ["%s", "Arn"]}'),
        )
    ]


DANGEROUS = {
    "rename the bucket": Case(
        "storage",
        "bucket_name=environment.data_bucket_name",
        "bucket_name='other-data-dev'",
        f'{BUCKET} is replaced: BucketName changes from "wealth-ops-data-dev" to "other-data-dev"',
    ),
    "change a construct id": Case(
        "storage",
        '"DataBucket",',
        '"Bucket",',
        *(BUCKET_LEAVES, *exports_of("Bucket83908E77"), *UNDENIED),
    ),
    "move a construct": Case(
        "storage",
        'self,\n            "DataBucket",',
        'Construct(self, "Data"),\n            "DataBucket",',
        *(BUCKET_LEAVES, *exports_of("DataDataBucketA7E8509A"), *UNDENIED),
    ),
    "drop versioning": Case(
        "storage",
        "versioned=True",
        "versioned=False",
        f'{BUCKET}: VersioningConfiguration.Status changes from "Enabled" to nothing',
    ),
    "drop retention": Case(
        "storage",
        "RemovalPolicy.RETAIN",
        "RemovalPolicy.DESTROY",
        f'{BUCKET}: DeletionPolicy changes from "Retain" to "Delete"',
        f'{BUCKET}: UpdateReplacePolicy changes from "Retain" to "Delete"',
    ),
    "allow plain HTTP": Case(
        "storage", "enforce_ssl=True,\n            minimum_tls_version=1.2,", "", *UNDENIED
    ),
    "allow older TLS": Case(
        "storage", "minimum_tls_version=1.2", "minimum_tls_version=1.1", *UNDENIED[2:]
    ),
    "allow public policies": Case(
        "storage",
        "BlockPublicAccess.BLOCK_ALL",
        "BlockPublicAccess.BLOCK_ACLS_ONLY",
        f"{BUCKET}: PublicAccessBlockConfiguration.BlockPublicPolicy changes from true to false",
        f"{BUCKET}: PublicAccessBlockConfiguration.RestrictPublicBuckets changes from true to "
        "false",
    ),
    "let everyone read": Case(
        "storage",
        "accept(",
        "bucket.grant_read(iam.AnyPrincipal())\n        accept(",
        *(
            f"AWS:* may {action} on ${{DataBucketE3889A50.Arn}}{end}"
            for action in ("s3:GetBucket*", "s3:GetObject*", "s3:List*")
            for end in ("", "/*")
        ),
    ),
    "expire objects": Case(
        "storage",
        "abort_incomplete_multipart_upload_after=cdk.Duration.days(7)",
        "expiration=cdk.Duration.days(7)",
        f"{BUCKET}: a lifecycle rule deletes: "
        '{"ExpirationInDays": 7, "Id": "abort-unfinished-uploads", "Status": "Enabled"}',
    ),
    "expire old versions sooner": Case(
        "storage",
        "days(90)",
        "days(9)",
        f'{BUCKET}: a lifecycle rule deletes: {{"Id": "expire-noncurrent-versions", '
        '"NoncurrentVersionExpiration": {"NoncurrentDays": 9}, "Status": "Enabled"}',
    ),
    "remove an export": Case(
        "storage",
        "self.publish(exports.DATA_BUCKET_NAME, bucket.bucket_name)",
        "",
        "the export wealth-ops-storage-dev:DataBucketName is removed",
    ),
    "rename an export": Case(
        "storage",
        "self.publish(exports.DATA_BUCKET_NAME,",
        "self.publish(exports.Export('storage', 'Name', 'Of the bucket'),",
        "the export wealth-ops-storage-dev:DataBucketName is removed",
    ),
    "rename the repository": Case(
        "registry",
        "environment.repository_name",
        "'other-ecr-dev'",
        "Repository (AWS::ECR::Repository) is replaced: RepositoryName changes from "
        '"wealth-ops-ecr-dev" to "other-ecr-dev"',
    ),
    "make images mutable": Case(
        "registry",
        "TagMutability.IMMUTABLE",
        "TagMutability.MUTABLE",
        "Repository (AWS::ECR::Repository): ImageTagMutability changes from "
        '"IMMUTABLE" to "MUTABLE"',
    ),
    "add s3:*": Case(
        "identity",
        '["s3:GetObject", "s3:PutObject"]',
        '["s3:*"]',
        *(f"AWS:{role} may s3:* on {BUCKET_ARN}/*" for role in (LAMBDA_ROLE, FARGATE_ROLE)),
    ),
    "widen a resource": Case(
        "identity",
        ":table/{project}-*",
        ":table/{project[:3]}*",
        *(
            f"AWS:{role} may dynamodb:* on arn:${{AWS::Partition}}:dynamodb:us-east-1:"
            "${AWS::AccountId}:table/wea*"
            for role in (LAMBDA_ROLE, FARGATE_ROLE)
        ),
    ),
    "add a principal": Case(
        "identity",
        'assumed_by=iam.ServicePrincipal("lambda.amazonaws.com")',
        "assumed_by=iam.CompositePrincipal(iam.ServicePrincipal('lambda.amazonaws.com'), "
        "iam.ServicePrincipal('states.amazonaws.com'))",
        "Service:states.amazonaws.com may sts:AssumeRole on ${LambdaExecutionRoleD5C26073.Arn}",
    ),
    "drop a condition": Case(
        "identity",
        "assumed_by=self._tasks_of_this_account()",
        "assumed_by=iam.ServicePrincipal('ecs-tasks.amazonaws.com')",
        "Service:ecs-tasks.amazonaws.com may sts:AssumeRole on ${FargateTaskRole44F4EBFF.Arn}",
    ),
    "attach a policy of AWS": Case(
        "identity",
        'description="Runs every Wealth-Ops Lambda function",',
        "managed_policies=[iam.ManagedPolicy.from_aws_managed_policy_name('ReadOnlyAccess')],",
        f"{LAMBDA_ROLE} gets the managed policy "
        "arn:${AWS::Partition}:iam::aws:policy/ReadOnlyAccess",
    ),
    "let another account assume a new role": Case(
        "identity",
        "fargate_role = ",
        "iam.Role(self, 'New', assumed_by=iam.AccountPrincipal('111122223333'))\n"
        "        fargate_role = ",
        "AWS:arn:aws:iam::111122223333:root may sts:AssumeRole on ${New8A81B073.Arn}",
    ),
}
HARMLESS = {
    "nothing": Case("storage", "versioned=True", "versioned=True"),
    "move objects to a colder class later": Case("storage", "days(0)", "days(3)"),
    "abort uploads sooner": Case(
        "storage",
        "abort_incomplete_multipart_upload_after=cdk.Duration.days(7)",
        "abort_incomplete_multipart_upload_after=cdk.Duration.days(3)",
    ),
    "add a tag": Case("storage", "accept(", "cdk.Tags.of(bucket).add('A', 'b')\n        accept("),
    "change a description": Case("storage", 'description="', 'description="Another: '),
    "add an export": Case(
        "registry",
        "self.publish(exports.REPOSITORY_NAME,",
        "self.publish(exports.Export('registry', 'Home', ''), 'x')\n"
        "        self.publish(exports.REPOSITORY_NAME,",
    ),
    "describe an export in other words": Case(
        "registry",
        "self.publish(exports.REPOSITORY_NAME,",
        "self.publish(exports.Export('registry', 'RepositoryName', 'Its name'),",
    ),
    "take an action away": Case("identity", '["s3:GetObject", "s3:PutObject"]', '["s3:GetObject"]'),
    "leave a part of a wildcard": Case(
        "identity", '["dynamodb:*"]', '["dynamodb:Get*", "dynamodb:Query"]'
    ),
    "narrow a resource": Case("identity", "{data_bucket_arn}/*", "{data_bucket_arn}/raw/*"),
    "add a role that a service assumes": Case(
        "identity",
        "fargate_role = ",
        "iam.Role(self, 'New', assumed_by=iam.ServicePrincipal('states.amazonaws.com'), "
        "managed_policies=[iam.ManagedPolicy.from_aws_managed_policy_name('ReadOnlyAccess')])"
        ".add_to_policy(iam.PolicyStatement(actions=['sqs:*'], resources=['*']))\n"
        "        fargate_role = ",
    ),
}


STATEFUL = (
    "AWS::DynamoDB::GlobalTable",
    "AWS::DynamoDB::Table",
    "AWS::ECR::Repository",
    "AWS::KMS::Key",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
)


def synthesize(case: Case) -> Mapping[str, changes.Json]:
    """The template of the stack with the code of a case."""
    path = ROOT / "stacks" / case.domain / "stack.py"
    source = path.read_text()
    assert case.old in source
    module = ModuleType(f"stacks.{case.domain}.stack")
    imports = "from aws_cdk import aws_iam as iam\n"
    code = compile(imports + source.replace(case.old, case.new, 1), path, "exec")
    exec(code, vars(module))  # noqa: S102
    environment = Environment()
    imported = {}
    if case.domain == "identity":
        imported = {
            "data_bucket_arn": DATA_BUCKET_ARN.import_from(environment),
            "repository_arn": REPOSITORY_ARN.import_from(environment),
        }
    stack = getattr(module, f"{case.domain.capitalize()}Stack")(
        cdk.App(context=CONTEXT), environment, **imported
    )
    template: Mapping[str, changes.Json] = Template.from_stack(stack).to_json()
    return template


@pytest.fixture(scope="module")
def said() -> Mapping[str, list[str]]:
    """What the guard says to each of the changes."""
    pairs: dict[str, tuple[changes.Template, changes.Template]] = {
        kind: ({"Resources": {"Held": {"Type": kind}}}, {"Resources": {}}) for kind in STATEFUL
    }
    for name, case in (DANGEROUS | HARMLESS).items():
        snapshot = FOLDER / "dev" / f"{case.domain.capitalize()}Stack.template.json"
        pairs[name] = (json.loads(snapshot.read_text()), synthesize(case))
    return {each["name"]: hazards(each) for each in changes.compare(pairs)}


@pytest.mark.parametrize("name", DANGEROUS)
def test_it_is_caught_to(name: str, said: Mapping[str, list[str]]) -> None:
    assert said[name] == [f"{name}: {sentence}" for sentence in DANGEROUS[name].said]


@pytest.mark.parametrize("name", HARMLESS)
def test_it_passes_to(name: str, said: Mapping[str, list[str]]) -> None:
    assert said[name] == []


@pytest.mark.parametrize("kind", STATEFUL)
def test_what_holds_data_is_not_let_go(kind: str, said: Mapping[str, list[str]]) -> None:
    assert said[kind] == [f"{kind}: Held ({kind}) is deleted"]
