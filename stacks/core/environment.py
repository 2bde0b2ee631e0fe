"""Environment: the settings that determine all tags and the names of stacks, resources and exports.

To change the name of the project (S3 bucket names are global, so another account may own yours),
change the default of `Environment.project` and run `uv run nox -s snapshots`. No other code
contains the name.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple


class InvalidEnvironmentError(ValueError):
    """A setting gives a name, export or ARN that AWS refuses."""


class Rule(NamedTuple):
    """The rule of AWS, or of this repository, for one kind of name, with its source."""

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

# A project called "aws" would let FargateTaskRole write to /aws/*, the log groups of AWS services.
PROJECT = Rule(
    "project",
    re.compile(rf"(?!aws$){_LABEL}"),
    50,
    f"{_LABEL_MEANING}, and not 'aws', whose log groups belong to AWS",
    "CloudWatch Logs API reference, CreateLogGroup",
)
# Roles reach `<project>-*-<environment>`: with a hyphen, the tables of "eu-dev" would also end in
# "-dev", and the roles of "dev" would reach them.
ENVIRONMENT = Rule(
    "environment name",
    re.compile(r"[a-z][a-z0-9]*"),
    50,
    "lower-case letters and digits, beginning with a letter, without a hyphen: the roles of an "
    "environment reach every table and log group whose name ends in '-<environment>'",
    "stacks/identity/stack.py",
)
DOMAIN = Rule(
    "domain",
    re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*"),
    50,
    "a Python package name: lower-case words joined by single underscores",
    "it is the folder under stacks/",
)
RESOURCE = Rule("resource label", re.compile(_LABEL), 50, _LABEL_MEANING, "ECR and S3 naming rules")
ACCOUNT = Rule(
    "account", re.compile(r"[0-9]{12}"), 12, "12 digits", "IAM user guide, AWS account identifiers"
)
REGION = Rule(
    "region",
    re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-[1-9][0-9]?"),
    25,
    "a region code such as us-east-1",
    "AWS general reference, service endpoints",
)
STACK = Rule(
    "stack name",
    re.compile(r"[A-Za-z][A-Za-z0-9-]*"),
    128,
    "letters, digits and hyphens, beginning with a letter",
    "CloudFormation API reference, CreateStack",
)
# An export name is a stack name, a colon and a key. CloudFormation allows 255 characters.
EXPORT_KEY = Rule(
    "export key",
    re.compile(r"[A-Za-z0-9]+"),
    100,
    "letters and digits: it is also the logical id of a CloudFormation output",
    "CloudFormation user guide, Outputs",
)


@dataclass(frozen=True)
class Environment:
    """The project, name, region and account of one deployed copy of the system.

    With `account` None, stacks deploy to the account of the credentials.
    Raises `InvalidEnvironmentError` for a setting that breaks a rule above. The stacks check the
    rules for the names of their own resources.
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
        """The physical name of a resource, e.g. `wealth-ops-data-dev` for the label `data`."""
        return f"{self.project}-{RESOURCE.check(label)}-{self.name}"

    @property
    def resource_pattern(self) -> str:
        """The pattern, for IAM policies, of all names that `resource_name` returns."""
        return f"{self.project}-*-{self.name}"

    @property
    def function_log_groups(self) -> str:
        """The pattern, for IAM policies, of the log groups that functions may write."""
        return f"/aws/lambda/{self.resource_pattern}"

    @property
    def task_log_groups(self) -> str:
        """The pattern, for IAM policies, of the log groups that Fargate tasks may write."""
        return f"/{self.project}/{self.name}/*"

    def stack_name(self, domain: str) -> str:
        """The CloudFormation name of a domain's stack, e.g. `wealth-ops-storage-dev`."""
        words = DOMAIN.check(domain).replace("_", "-")
        return STACK.check(f"{self.project}-{words}-{self.name}")

    def export_name(self, domain: str, key: str) -> str:
        """The name of a domain's CloudFormation export: `<stack name>:<Key>`."""
        return f"{self.stack_name(domain)}:{EXPORT_KEY.check(key)}"

    def tags(self, domain: str) -> dict[str, str]:
        """The tags of a domain's stack and of every resource in the stack."""
        return {
            "Project": self.project,
            "Environment": self.name,
            "Stack": domain,
            "ManagedBy": "aws-cdk",
        }


def construct_id(domain: str) -> str:
    """The construct id of a domain's stack, as used in `cdk deploy StorageStack`."""
    return "".join(word.capitalize() for word in domain.split("_")) + "Stack"
