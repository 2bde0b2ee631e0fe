"""IAM limits that only a deployment would find, checked at synthesis.

| finding | limit (IAM user guide, "IAM and AWS STS quotas") |
|---|---|
| `Limits::ManagedPolicySize` | 6,144 characters in a managed policy |
| `Limits::TrustPolicySize` | 2,048 characters in a role's trust policy |
| `Limits::ManagedPoliciesPerRole` | 10 managed policies attached to a role |

IAM does not count white space. Token values are known only at deployment, so each counts as `TOKEN`
characters, except the partition, account and region. Policies of other stacks that attach
themselves to a role are not counted. AWS raises the last two quotas on request: then acknowledge
the finding.
"""

import json
import re
from collections.abc import Iterator, Mapping

from stacks.core.plugins import Finding
from stacks.core.templates import Resource, Template, items

MANAGED_POLICY = 6144
TRUST_POLICY = 2048
POLICIES_PER_ROLE = 10
TOKEN = 64


def check_limits(template: Template) -> Iterator[Finding]:
    """A template's findings, from the table above."""
    attached = _attached(template)
    for resource in template.resources.values():
        match resource.type:
            case "AWS::IAM::ManagedPolicy":
                size = policy_size(template, resource.properties.get("PolicyDocument"))
                if size > MANAGED_POLICY:
                    fault = f"The policy has about {size} characters; IAM allows {MANAGED_POLICY}."
                    fix = "Move statements to a second managed policy, or use shorter patterns."
                    yield Finding("ManagedPolicySize", resource.id, "PolicyDocument", fault, fix)
            case "AWS::IAM::Role":
                yield from _role(template, resource, attached[resource.id])


def _role(template: Template, role: Resource, policies: set[str]) -> Iterator[Finding]:
    trust = "AssumeRolePolicyDocument"
    size = policy_size(template, role.properties.get(trust))
    if size > TRUST_POLICY:
        fault = f"The trust policy has about {size} characters; IAM allows {TRUST_POLICY}."
        yield Finding("TrustPolicySize", role.id, trust, fault, "Trust fewer principals.")
    if len(policies) > POLICIES_PER_ROLE:
        fault = f"{len(policies)} managed policies are attached to the role; "
        fault += f"IAM allows {POLICIES_PER_ROLE}."
        fix = "Merge policies, or use an inline policy."
        yield Finding("ManagedPoliciesPerRole", role.id, "ManagedPolicyArns", fault, fix)


def _attached(template: Template) -> Mapping[str, set[str]]:
    """Each role's managed policies. A role and a policy may both name the other."""
    resources = template.resources.values()
    roles = [resource for resource in resources if resource.type == "AWS::IAM::Role"]
    found = {
        role.id: {template.text(arn) for arn in items(role.properties.get("ManagedPolicyArns"))}
        for role in roles
    }
    names = {template.text({"Ref": role.id}): role.id for role in roles}
    for policy in resources:
        if policy.type == "AWS::IAM::ManagedPolicy":
            for name in map(template.text, items(policy.properties.get("Roles"))):
                if name in names:
                    found[names[name]].add(template.text({"Ref": policy.id}))
    return found


def policy_size(template: Template, policy: object) -> int:
    """How many characters IAM counts in a policy, with `TOKEN` for each token."""
    text = json.dumps(_with_values(template, policy), separators=(",", ":"), ensure_ascii=False)
    return len("".join(text.split()))


def _with_values(template: Template, value: object) -> object:
    match value:
        case {"Ref": "AWS::Partition"}:
            return "aws"
        case {"Ref": "AWS::AccountId"}:
            return 12 * "0"
        case {"Ref": "AWS::Region"}:
            return template.environment.region
        case {"Fn::Join": [str(delimiter), [*parts]]}:
            return delimiter.join(str(_with_values(template, part)) for part in parts)
        case {"Fn::Sub": str(text)}:
            known = {"AWS::Partition": "aws", "AWS::AccountId": 12 * "0"}
            return re.sub(r"\$\{(.*?)\}", lambda match: known.get(match[1], TOKEN * "x"), text)
        case dict() if len(value) == 1 and next(iter(value)).startswith(("Ref", "Fn::")):
            return TOKEN * "x"
        case dict():
            return {key: _with_values(template, child) for key, child in value.items()}
        case list():
            return [_with_values(template, child) for child in value]
    return value
