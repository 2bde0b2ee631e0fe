"""The templates of the foundation by the CDK alone: what its synthesis is compared with."""

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

app = cdk.App()


def new_stack(domain: str, description: str, protected: bool) -> cdk.Stack:
    tags = {"Project": "wealth-ops", "Environment": "dev", "Stack": domain, "ManagedBy": "aws-cdk"}
    stack = cdk.Stack(
        app,
        f"{domain.capitalize()}Stack",
        stack_name=f"wealth-ops-{domain}-dev",
        description=description,
        env=cdk.Environment(region="us-east-1"),
        termination_protection=protected,
        tags=tags,
    )
    for key, value in tags.items():
        cdk.Tags.of(stack).add(key, value)
    return stack


def export(stack: cdk.Stack, domain: str, key: str, value: str, description: str) -> None:
    name = f"wealth-ops-{domain}-dev:{key}"
    cdk.CfnOutput(stack, key, value=value, description=description, export_name=name)


storage = new_stack(
    "storage",
    "Wealth-Ops data bucket: market data, models and artifacts",
    protected=True,
)
bucket = s3.Bucket(
    storage,
    "DataBucket",
    bucket_name="wealth-ops-data-dev",
    versioned=True,
    encryption=s3.BucketEncryption.S3_MANAGED,
    block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
    object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
    enforce_ssl=True,
    minimum_tls_version=1.2,
    lifecycle_rules=[
        s3.LifecycleRule(
            id="abort-unfinished-uploads",
            abort_incomplete_multipart_upload_after=cdk.Duration.days(7),
        ),
        s3.LifecycleRule(
            id="expire-noncurrent-versions", noncurrent_version_expiration=cdk.Duration.days(90)
        ),
        *(
            s3.LifecycleRule(
                id=f"cool-{tier}",
                prefix=f"{tier}/",
                transitions=[
                    s3.Transition(
                        storage_class=s3.StorageClass.INTELLIGENT_TIERING,
                        transition_after=cdk.Duration.days(0),
                    )
                ],
            )
            for tier in ("raw", "processed")
        ),
    ],
    removal_policy=cdk.RemovalPolicy.RETAIN,
)
cfn_bucket = bucket.node.default_child
assert isinstance(cfn_bucket, s3.CfnBucket)
cfn_bucket.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
    event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(
        event_bridge_enabled=True
    )
)
export(storage, "storage", "DataBucketName", bucket.bucket_name, "Name of the data bucket")
export(storage, "storage", "DataBucketArn", bucket.bucket_arn, "ARN of the data bucket")

registry = new_stack(
    "registry",
    "Wealth-Ops image repository for Lambda functions and Fargate tasks",
    protected=True,
)
repository = ecr.Repository(
    registry,
    "Repository",
    repository_name="wealth-ops-ecr-dev",
    image_scan_on_push=True,
    image_tag_mutability=ecr.TagMutability.IMMUTABLE,
    lifecycle_rules=[
        ecr.LifecycleRule(
            description="Expire untagged images",
            tag_status=ecr.TagStatus.UNTAGGED,
            max_image_age=cdk.Duration.days(7),
        )
    ],
    removal_policy=cdk.RemovalPolicy.RETAIN,
)
cfn_repository = repository.node.default_child
assert isinstance(cfn_repository, ecr.CfnRepository)
cfn_repository.encryption_configuration = ecr.CfnRepository.EncryptionConfigurationProperty(
    encryption_type="AES256"
)
for key, value, description in (
    ("RepositoryName", repository.repository_name, "Name of the image repository"),
    ("RepositoryArn", repository.repository_arn, "ARN of the image repository"),
    ("RepositoryUri", repository.repository_uri, "URI to push images to and pull them from"),
):
    export(registry, "registry", key, value, description)

identity = new_stack(
    "identity",
    "Wealth-Ops roles for Lambda functions and Fargate tasks",
    protected=False,
)
identity.add_stack_dependency(storage)
identity.add_stack_dependency(registry)
account = identity.account
objects = iam.PolicyStatement(
    sid="Objects",
    actions=["s3:GetObject", "s3:PutObject"],
    resources=[cdk.Fn.import_value("wealth-ops-storage-dev:DataBucketArn") + "/*"],
)
tables = iam.PolicyStatement(
    sid="Tables",
    actions=["dynamodb:*"],
    resources=[f"arn:{cdk.Aws.PARTITION}:dynamodb:us-east-1:{account}:table/wealth-ops-*"],
)
login = iam.PolicyStatement(
    sid="RegistryLogin", actions=["ecr:GetAuthorizationToken"], resources=["*"]
)
pull = iam.PolicyStatement(
    sid="PullImage",
    actions=[
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
    ],
    resources=[cdk.Fn.import_value("wealth-ops-registry-dev:RepositoryArn")],
)


def logs(groups: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid="Logs",
        actions=["logs:CreateLogStream", "logs:PutLogEvents"],
        resources=[f"arn:{cdk.Aws.PARTITION}:logs:us-east-1:{account}:log-group:{groups}"],
    )


for name, users, principal, description, statements in (
    (
        "LambdaExecutionRole",
        "Lambda functions",
        iam.ServicePrincipal("lambda.amazonaws.com"),
        "Runs every Wealth-Ops Lambda function",
        [objects, tables, logs("/aws/lambda/wealth-ops-*")],
    ),
    (
        "FargateTaskRole",
        "Fargate tasks",
        iam.ServicePrincipal("ecs-tasks.amazonaws.com").with_conditions(
            {
                "StringEquals": {"aws:SourceAccount": account},
                "ArnLike": {"aws:SourceArn": f"arn:{cdk.Aws.PARTITION}:ecs:us-east-1:{account}:*"},
            }
        ),
        "Runs every Wealth-Ops Fargate task, and pulls its image",
        [objects, tables, login, pull, logs("/wealth-ops/*")],
    ),
):
    role = iam.Role(identity, name, description=description, assumed_by=principal)
    iam.ManagedPolicy(
        identity,
        f"{name}Policy",
        description=f"Everything that {name} may do",
        roles=[role],
        statements=statements,
    )
    export(
        identity,
        "identity",
        f"{name}Arn",
        role.role_arn,
        f"ARN of the role that {users} run as",
    )

app.synth()
