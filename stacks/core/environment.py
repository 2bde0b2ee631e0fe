"""Environment: the settings that determine all tags, and all stack, resource and export names.

To change the project's name (S3 bucket names are global, so another account may own yours), change
the default for `Environment.project` and run `uv run nox -s snapshots`. No other code contains the
name.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple


class InvalidEnvironmentError(ValueError):
    """A setting gives a name, export or ARN that AWS refuses."""


class NamingRule(NamedTuple):
    """An AWS or repository rule for one kind of name, with its source."""

    kind: str
    pattern: re.Pattern[str]
    max_length: int
    meaning: str
    source: str

    def check(self, value: str) -> str:
        """Return `value`, or raise `InvalidEnvironmentError` with the value, rule and source."""
        if len(value) > self.max_length:
            broken = f"it has {len(value)} characters, and {self.max_length} are allowed"
        elif not self.pattern.fullmatch(value):
            broken = f"it must be {self.meaning}"
        else:
            return value
        raise InvalidEnvironmentError(f"{self.kind} {value!r}: {broken} ({self.source})")


# Bucket, repository, stack and export names all accept lower-case words joined by single hyphens.
# Every name begins with the project, and a stack name must begin with a letter.
_LABEL = r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*"
_LABEL_MEANING = (
    "lower-case words of letters and digits joined by single hyphens, beginning with a letter"
)

# A project called "aws" would let FargateTaskRole write to /aws/*, which AWS services use for log
# groups.
PROJECT = NamingRule(
    "project",
    re.compile(rf"(?!aws$){_LABEL}"),
    50,
    f"{_LABEL_MEANING}, and not 'aws', whose log groups belong to AWS",
    "CloudWatch Logs API reference, CreateLogGroup",
)
# Roles reach `<project>-*-<environment>`: with a hyphen, table names in "eu-dev" would also end in
# "-dev", and the roles in "dev" would reach them.
ENVIRONMENT = NamingRule(
    "environment name",
    re.compile(r"[a-z][a-z0-9]*"),
    50,
    "lower-case letters and digits, beginning with a letter, without a hyphen: the roles of an "
    "environment reach every table and log group whose name ends in '-<environment>'",
    "stacks/identity/stack.py",
)
DOMAIN = NamingRule(
    "domain",
    re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*"),
    50,
    "a Python package name: lower-case words joined by single underscores",
    "it is the folder under stacks/",
)
RESOURCE = NamingRule(
    "resource label", re.compile(_LABEL), 50, _LABEL_MEANING, "ECR and S3 naming rules"
)
ACCOUNT = NamingRule(
    "account", re.compile(r"[0-9]{12}"), 12, "12 digits", "IAM user guide, AWS account identifiers"
)
REGION = NamingRule(
    "region",
    re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-[1-9][0-9]?"),
    25,
    "a region code such as us-east-1",
    "AWS general reference, service endpoints",
)
STACK = NamingRule(
    "stack name",
    re.compile(r"[A-Za-z][A-Za-z0-9-]*"),
    128,
    "letters, digits and hyphens, beginning with a letter",
    "CloudFormation API reference, CreateStack",
)
# An export name is a stack name, a colon and a key. CloudFormation allows 255 characters.
EXPORT_KEY = NamingRule(
    "export key",
    re.compile(r"[A-Za-z0-9]+"),
    100,
    "letters and digits: it is also the logical id of a CloudFormation output",
    "CloudFormation user guide, Outputs",
)


@dataclass(frozen=True)
class Environment:
    """The project, name, region and account for one deployed copy of the system.

    With `account` None, stacks deploy to the credentials' account.
    Raises `InvalidEnvironmentError` for a setting that breaks a rule above. The stacks check the
    rules for their own resource names.
    """

    project: str = "wealth-ops"
    name: str = "dev"
    region: str = "us-east-1"
    account: str | None = None

    def __post_init__(self) -> None:
        PROJECT.check(self.project)
        ENVIRONMENT.check(self.name)
        REGION.check(self.region)
        if self.account is not None:
            ACCOUNT.check(self.account)

    def resource_name(self, label: str) -> str:
        """A resource's physical name, e.g. `wealth-ops-data-dev` for the label `data`."""
        return f"{self.project}-{RESOURCE.check(label)}-{self.name}"

    @property
    def resource_pattern(self) -> str:
        """The pattern, for IAM policies, that matches all names from `resource_name`."""
        return f"{self.project}-*-{self.name}"

    @property
    def function_log_groups(self) -> str:
        """The pattern, for IAM policies, that matches the log groups functions may write."""
        return f"/aws/lambda/{self.resource_pattern}"

    @property
    def task_log_groups(self) -> str:
        """The pattern, for IAM policies, that matches the log groups Fargate tasks may write."""
        return f"/{self.project}/{self.name}/*"

    @property
    def boundary_name(self) -> str:
        """The path and name of the policy that limits every role in the environment."""
        return f"execution/{self.project}-boundary-{self.name}"

    def execution_policy_name(self, number: int) -> str:
        """The path and name of a policy with which CloudFormation deploys the environment."""
        return f"execution/{self.project}-execution-{self.name}-{number}"

    def stack_name(self, domain: str) -> str:
        """A domain's stack name in CloudFormation, e.g. `wealth-ops-storage-dev`."""
        words = DOMAIN.check(domain).replace("_", "-")
        return STACK.check(f"{self.project}-{words}-{self.name}")

    def export_name(self, domain: str, key: str) -> str:
        """A CloudFormation export name in a domain: `<stack name>:<Key>`."""
        return f"{self.stack_name(domain)}:{EXPORT_KEY.check(key)}"

    def tags(self, domain: str) -> dict[str, str]:
        """The tags for a domain's stack and every resource in it."""
        return {
            "Project": self.project,
            "Environment": self.name,
            "Stack": domain,
            "ManagedBy": "aws-cdk",
        }


def construct_id(domain: str) -> str:
    """The construct id for a domain's stack, as used in `cdk deploy StorageStack`."""
    return "".join(word.capitalize() for word in domain.split("_")) + "Stack"
