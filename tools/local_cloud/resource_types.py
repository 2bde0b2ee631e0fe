"""The resource types in a template that the local cloud lacks."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from tools.cdk_cli.assembly import at

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient

# In the error message of MiniStack and AWS.
UNRECOGNIZED = re.compile(r"Unrecognized resource types: \[(.+)\]")


def missing_types(client: "CloudFormationClient", assembly: Path, template: str) -> set[str]:
    """The resource types that MiniStack lacks, in a template file and its nested stacks.

    Conditions are ignored. Of a template with a transform, the types are not known.
    """
    body = json.loads((assembly / template).read_text())
    if "Transform" in body:
        return set()
    resources = body.get("Resources", {}).values()
    types = {resource["Type"] for resource in resources}
    # Names and properties would exceed the request size (51,200 bytes).
    only_types = {f"Type{number}": {"Type": name} for number, name in enumerate(types)}
    missing: set[str] = set()
    try:
        client.validate_template(TemplateBody=json.dumps({"Resources": only_types}))
    except ClientError as error:
        # The deploy shows other errors.
        missing.update(*(names.split(", ") for names in UNRECOGNIZED.findall(str(error))))
    for resource in resources:
        # The CDK CLI makes the CDK write asset names into the metadata.
        nested = at(resource, "Metadata.aws:asset:path")
        if resource["Type"] == "AWS::CloudFormation::Stack" and isinstance(nested, str):
            missing |= missing_types(client, assembly, nested)
    return missing
