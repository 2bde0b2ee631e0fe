"""The same resources in three stacks, with the CDK alone: what the foundation is compared with."""

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

app = cdk.App()
place = cdk.Environment(region="us-east-1")

storage = cdk.Stack(app, "StorageStack", env=place)
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
        s3.LifecycleRule(abort_incomplete_multipart_upload_after=cdk.Duration.days(7)),
        s3.LifecycleRule(noncurrent_version_expiration=cdk.Duration.days(90)),
        *(
            s3.LifecycleRule(
                prefix=prefix,
                transitions=[
                    s3.Transition(
                        storage_class=s3.StorageClass.INTELLIGENT_TIERING,
                        transition_after=cdk.Duration.days(0),
                    )
                ],
            )
            for prefix in ("raw/", "processed/")
        ),
    ],
    removal_policy=cdk.RemovalPolicy.RETAIN,
)
cdk.CfnOutput(storage, "DataBucketArn", value=bucket.bucket_arn, export_name="s:Arn")
cdk.CfnOutput(storage, "DataBucketName", value=bucket.bucket_name, export_name="s:Name")

registry = cdk.Stack(app, "RegistryStack", env=place)
repository = ecr.Repository(
    registry,
    "Repository",
    repository_name="wealth-ops-ecr-dev",
    image_scan_on_push=True,
    image_tag_mutability=ecr.TagMutability.IMMUTABLE,
    lifecycle_rules=[
        ecr.LifecycleRule(tag_status=ecr.TagStatus.UNTAGGED, max_image_age=cdk.Duration.days(7))
    ],
    removal_policy=cdk.RemovalPolicy.RETAIN,
)
cdk.CfnOutput(registry, "Arn", value=repository.repository_arn, export_name="r:Arn")
cdk.CfnOutput(registry, "Name", value=repository.repository_name, export_name="r:Name")
cdk.CfnOutput(registry, "Uri", value=repository.repository_uri, export_name="r:Uri")

identity = cdk.Stack(app, "IdentityStack", env=place)
for name, service in (("Lambda", "lambda"), ("Fargate", "ecs-tasks")):
    role = iam.Role(
        identity, f"{name}Role", assumed_by=iam.ServicePrincipal(f"{service}.amazonaws.com")
    )
    policy = iam.ManagedPolicy(identity, f"{name}Policy", roles=[role])
    for actions, resource in (
        (["s3:GetObject", "s3:PutObject"], cdk.Fn.import_value("s:Arn") + "/*"),
        (["dynamodb:*"], "arn:aws:dynamodb:us-east-1:*:table/wealth-ops-*"),
        (["logs:CreateLogStream", "logs:PutLogEvents"], "arn:aws:logs:us-east-1:*:*"),
        (["ecr:BatchGetImage"], cdk.Fn.import_value("r:Arn")),
    ):
        policy.add_statements(iam.PolicyStatement(actions=actions, resources=[resource]))
    cdk.CfnOutput(identity, f"{name}Arn", value=role.role_arn, export_name=f"i:{name}")
for stack in (storage, registry, identity):
    cdk.Tags.of(stack).add("Project", "wealth-ops")

app.synth()
