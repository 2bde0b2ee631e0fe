"""What to do about a resource that a deploy cannot create, because it exists already."""

import re

from botocore.exceptions import ClientError

from tools.console import say
from tools.deployment.next_command import next_command
from tools.deployment.options import ADOPT
from tools.deployment.prepare import Deployment
from tools.local_cloud.folder import how_to_empty

# The CDK CLI may break the lines. A service's error code is AlreadyExists.
_EXISTS = re.compile(r"already\s*exists", re.IGNORECASE)
_BUCKET = re.compile(r"'AWS::S3::Bucket'\s+with\s+identifier\s+'(\S+)'\s+already\s+exists")


def explain(deployment: Deployment, output: str) -> bool:
    """Say what to do if a failed `cdk deploy` names an existing resource in its output.

    Returns whether it does.
    """
    # For a refused change set, cdk prints the reasons; for a refused stack, how to read them.
    if "DescribeEvents" in output:
        for stack in deployment.stacks:
            for reason in deployment.deployed.failed_validations(stack):
                say(f"{stack.name}: {reason}", style="red")
                output += f"\n{reason}"
    if not _EXISTS.search(output):
        return False
    foreign = [_why_foreign(deployment, bucket) for bucket in _BUCKET.findall(output)]
    if deployment.target.kind == "local":
        say(f"The local cloud cannot adopt existing resources. {how_to_empty()}")
    elif any(foreign):
        say(" ".join(foreign), style="red")
    else:
        adopt = next_command(deployment, "deploy", *deployment.options.cdk_flags, ADOPT)
        say(f"A destroy and a failed deploy retain resources; a deploy can adopt them. {adopt}")
    return True


def _why_foreign(deployment: Deployment, bucket: str) -> str:
    """Why no stack can adopt the bucket, or an empty text."""
    stack = deployment.stacks[0]
    s3 = deployment.deployed.session(stack.lookup_role).client("s3", region_name=stack.region)
    try:
        region = s3.head_bucket(Bucket=bucket).get("BucketRegion", stack.region)
    except ClientError as error:
        if error.response["Error"]["Code"] != "403":
            return ""
        return (
            f"S3 denies access to the bucket {bucket}: probably another AWS account owns the name. "
            "Choose another default for `Environment.project` in stacks/core/environment.py."
        )
    if region == stack.region:
        return ""
    return (
        f"Your bucket {bucket} is in {region}, so a stack in {stack.region} cannot adopt it. "
        "Delete the bucket, or change `Environment.region` in stacks/core/environment.py."
    )
