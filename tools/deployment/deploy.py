"""Deploying: bootstrap, look before leaping, run `cdk deploy`, and show what exists now."""

import json
from collections.abc import Iterator

from botocore.exceptions import ClientError

from tools.assembly import StackArtifact
from tools.console import UserError, console
from tools.deployment.operation import Operation, Options, cloud_directory, operation
from tools.deployment.report import show
from tools.local_cloud.folder import how_to_empty

TOOLKIT = "CDKToolkit"
ADOPT = "--import-existing-resources"
REVERT = "--revert-drift"
BY_HAND = "`nox -s cloud` says how boto3 and the aws CLI reach it."
# A stack that was never created: none; asked for only; or rolled back, so it can only be deleted.
FAILED = "ROLLBACK_COMPLETE"
NOT_YET = (None, "REVIEW_IN_PROGRESS", FAILED)


def deploy(options: Options) -> int:
    """Deploy the chosen stacks, and what they need; return the status of `cdk deploy`."""
    with operation(options) as op:
        if REVERT in options.extra and op.target.place == "local":
            raise UserError(
                f"The local cloud would do nothing for {REVERT}. Undo what `nox -s drift` shows by "
                f"hand: {BY_HAND} {how_to_empty(cloud_directory())}"
            )
        ensure_bootstrapped(op)
        look_ahead(op)
        names = [stack.id for stack in op.stacks]
        if op.target.place == "aws":
            op.confirm(f"Deploy {', '.join(names)}")
        release_failed(op)
        status, said = op.cdk("Deploying", "deploy", *names, "--require-approval=never")
        show(op, said)
        if status:
            console.print(
                "The deploy failed; what it had done stays. Put right what cdk says above, and run "
                "the same command again.",
                style="red",
            )
        return status


def bootstrap(options: Options) -> int:
    """Prepare the target's account and the regions of the stacks for CDK deploys."""
    with operation(options) as op:
        if op.target.place == "aws":
            op.confirm("Bootstrap for CDK deploys")
        return _bootstrap(op)


def ensure_bootstrapped(op: Operation) -> None:
    """Bootstrap a local cloud that is not; for AWS raise `UserError` with the command to run."""
    missing = [region for region in _regions(op) if op.status_of(TOOLKIT, region) in NOT_YET]
    if not missing:
        return
    if op.target.place == "aws":
        raise UserError(
            f"The account {op.target.account} is not bootstrapped in {', '.join(missing)}. Run: "
            "nox -s bootstrap -- --to aws"
        )
    if status := _bootstrap(op):
        raise UserError("The local cloud could not be bootstrapped; cdk says why above.", status)


def look_ahead(op: Operation) -> None:
    """Refuse to deploy new stacks whose named bucket or repository is there already.

    CloudFormation would fail halfway, and say less. Raises `UserError`.
    """
    if ADOPT in op.options.extra and op.target.place == "aws":
        return
    for stack in op.stacks:
        if op.status_of(stack.name, stack.region) not in NOT_YET:
            continue
        for name in _named(op, stack, "AWS::S3::Bucket", "BucketName"):
            if (owner := _bucket_owner(op, stack.region, name)) == "other":
                raise UserError(
                    f"The bucket {name} belongs to another AWS account: the names of buckets are "
                    "shared by all accounts. Choose another project prefix: the default of "
                    "`Environment.project` in stacks/core/environment.py."
                )
            if owner == "ours":
                raise UserError(_retained(op, stack, f"bucket {name}"))
        for name in _named(op, stack, "AWS::ECR::Repository", "RepositoryName"):
            if _has_repository(op, stack.region, name):
                raise UserError(_retained(op, stack, f"repository {name}"))


def release_failed(op: Operation) -> None:
    """Take the termination protection off stacks whose creation failed.

    `cdk deploy` deletes such a stack, which holds nothing, and creates it anew; but it has already
    protected it, and then may not.
    """
    for stack in op.stacks:
        if op.status_of(stack.name, stack.region) == FAILED:
            client = op.target.session.client("cloudformation", region_name=stack.region)
            client.update_termination_protection(
                StackName=stack.name, EnableTerminationProtection=False
            )


def _retained(op: Operation, stack: StackArtifact, what: str) -> str:
    found = (
        f"The {what} exists, but not the stack {stack.name} that manages it: it was kept when the "
        "stack was destroyed or could not be created."
    )
    if op.target.place == "local":
        return f"{found} The local cloud cannot adopt it. {how_to_empty(cloud_directory())}"
    return f"{found} Adopt it with: nox -s deploy -- {ADOPT}"


def _bootstrap(op: Operation) -> int:
    environments = [f"aws://{op.target.account}/{region}" for region in _regions(op)]
    return op.cdk(f"Bootstrapping the {op.target}", "bootstrap", *environments)[0]


def _regions(op: Operation) -> list[str]:
    return sorted({stack.region for stack in op.stacks})


def _named(op: Operation, stack: StackArtifact, kind: str, name: str) -> Iterator[str]:
    template = json.loads((op.assembly / stack.template).read_text())
    for resource in template["Resources"].values():
        value = resource.get("Properties", {}).get(name)
        if resource["Type"] == kind and isinstance(value, str):
            yield value


def _bucket_owner(op: Operation, region: str, name: str) -> str:
    s3 = op.target.session.client("s3", region_name=region)
    try:
        s3.head_bucket(Bucket=name, ExpectedBucketOwner=op.target.account)
    except ClientError as error:
        # HEAD has no body, so the status is all there is (S3 API reference, HeadBucket).
        code = error.response["ResponseMetadata"]["HTTPStatusCode"]
        return "nobody" if code == 404 else "other"
    return "ours"


def _has_repository(op: Operation, region: str, name: str) -> bool:
    ecr = op.target.session.client("ecr", region_name=region)
    try:
        ecr.describe_repositories(repositoryNames=[name])
    except ecr.exceptions.RepositoryNotFoundException:
        return False
    return True
