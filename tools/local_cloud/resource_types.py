"""The resource types of a template that the local cloud lacks."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from tools.assembly import at

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient

_UNRECOGNIZED = re.compile(r"Unrecognized resource types: \[(.+)\]")


def missing_types(client: "CloudFormationClient", assembly: Path, template: str) -> set[str]:
    """The resource types that MiniStack lacks, of a template file and of its nested stacks.

    `ValidateTemplate` of MiniStack names them, except of resources whose condition is false. The
    types of a template with a transform are known only after the transform.
    """
    body = json.loads((assembly / template).read_text())
    if "Transform" in body:
        return set()
    # Without properties, a large template fits into the request (51,200 bytes). Before the
    # bootstrap, a parameter with a value from SSM would prevent the evaluation of conditions.
    parts = {key: body[key] for key in ("Conditions", "Mappings") if key in body}
    parts["Parameters"] = {
        key: parameter
        for key, parameter in body.get("Parameters", {}).items()
        if not parameter["Type"].startswith("AWS::SSM::")
    }
    parts["Resources"] = {
        key: {name: resource[name] for name in ("Type", "Condition") if name in resource}
        for key, resource in body["Resources"].items()
    }
    missing: set[str] = set()
    try:
        client.validate_template(TemplateBody=json.dumps(parts))
    except ClientError as error:
        if found := _UNRECOGNIZED.search(str(error)):
            missing = set(found[1].split(", "))
    for resource in body["Resources"].values():
        # The CDK CLI makes the CDK write the names of assets into the metadata.
        nested = at(resource, "Metadata.aws:asset:path")
        if resource["Type"] == "AWS::CloudFormation::Stack" and isinstance(nested, str):
            missing |= missing_types(client, assembly, nested)
    return missing
