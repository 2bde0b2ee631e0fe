"""Environment: the settings from which every physical name, export name and tag follows.

To change the project prefix of the whole system (S3 bucket names are global, so yours may be
taken), change the default of `Environment.project`; nothing else spells it.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple


class InvalidEnvironmentError(ValueError):
    """A setting would give a name, export or ARN that AWS refuses."""


class Rule(NamedTuple):
    """What AWS accepts as a name of one kind, and where AWS says so."""

    kind: str
    pattern: re.Pattern[str]
    max_length: int
    meaning: str
    source: str

    def check(self, value: str) -> str:
        """Return `value`, or raise `InvalidEnvironmentError` naming it, the rule and its source."""
        if len(value) > self.max_length:
            broken = f"it has {len(value)} characters, and {self.max_length} are allowed"
        elif not self.pattern.fullmatch(value):
            broken = f"it must be {self.meaning}"
        else:
            return value
        raise InvalidEnvironmentError(f"{self.kind} {value!r}: {broken} ({self.source})")


# Words of lower-case letters and digits joined by single hyphens: what bucket, repository, stack
# and export names all accept. A stack name must begin with a letter, and every name begins with the
# project.
_LABEL = r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*"
_OURS = "lower-case words of letters and digits joined by single hyphens, beginning with a letter"

# A project called "aws" would let FargateTaskRole write to /aws/*, the log groups of AWS's own
# services.
PROJECT = Rule(
    "project",
    re.compile(rf"(?!aws$){_LABEL}"),
    50,
    f"{_OURS}, and not 'aws', whose log groups belong to AWS",
    "CloudWatch Logs API reference, CreateLogGroup",
)
ENVIRONMENT = Rule(
    "environment name", re.compile(_LABEL), 50, _OURS, "CloudFormation user guide, stack name"
)
DOMAIN = Rule(
    "domain",
    re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*"),
    50,
    "a Python package name: lower-case words joined by single underscores",
    "it is the folder under stacks/",
)
RESOURCE = Rule("resource label", re.compile(_LABEL), 50, _OURS, "ECR and S3 naming rules")
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
BUCKET = Rule(
    "bucket name",
    re.compile(
        r"(?!xn--|sthree-|amzn-s3-demo-)[a-z0-9][a-z0-9-]+[a-z0-9]"
        r"(?<!-s3alias)(?<!--ol-s3)(?<!--x-s3)(?<!--table-s3)(?<!-an)"
    ),
    63,
    "3 to 63 lower-case letters, digits and hyphens, with no reserved prefix (xn--, sthree-, "
    "amzn-s3-demo-) or suffix (-s3alias, --ol-s3, --x-s3, --table-s3, -an)",
    "S3 user guide, general purpose bucket naming rules",
)
REPOSITORY = Rule(
    "repository name",
    re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*"),
    256,
    "lower-case letters, digits and single separators",
    "ECR API reference, CreateRepository",
)
STACK = Rule(
    "stack name",
    re.compile(r"[A-Za-z][A-Za-z0-9-]*"),
    128,
    "letters, digits and hyphens, beginning with a letter",
    "CloudFormation API reference, CreateStack",
)
EXPORT_KEY = Rule(
    "export key",
    re.compile(r"[A-Za-z0-9]+"),
    100,
    "letters and digits: it is also the logical id of a CloudFormation output",
    "CloudFormation user guide, Outputs",
)
EXPORT = Rule(
    "export name",
    re.compile(r"[A-Za-z0-9:-]+"),
    255,
    "letters, digits, colons and hyphens",
    "CloudFormation user guide, Outputs",
)


@dataclass(frozen=True)
class Environment:
    """One deployed copy of the system: which project, which stage, where.

    `account` None means: whichever account the credentials at deploy time belong to.
    Raises `InvalidEnvironmentError` when a setting would make any name or ARN invalid.
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
        BUCKET.check(self.data_bucket_name)
        REPOSITORY.check(self.repository_name)

    @property
    def data_bucket_name(self) -> str:
        """The S3 bucket of all market data, models and artifacts."""
        return self.resource_name("data")

    @property
    def repository_name(self) -> str:
        """The ECR repository of all container images."""
        return self.resource_name("ecr")

    def resource_name(self, label: str) -> str:
        """The physical name of a resource, e.g. `wealth-ops-data-dev` for the label `data`."""
        return f"{self.project}-{RESOURCE.check(label)}-{self.name}"

    def stack_name(self, domain: str) -> str:
        """The CloudFormation name of a domain's stack, e.g. `wealth-ops-storage-dev`."""
        words = DOMAIN.check(domain).replace("_", "-")
        return STACK.check(f"{self.project}-{words}-{self.name}")

    def export_name(self, domain: str, key: str) -> str:
        """The name under which a domain publishes a value: `<stack name>:<Key>`."""
        return EXPORT.check(f"{self.stack_name(domain)}:{EXPORT_KEY.check(key)}")

    def tags(self, domain: str) -> dict[str, str]:
        """The tags of a domain's stack and of every resource in it."""
        return {
            "Project": self.project,
            "Environment": self.name,
            "Stack": domain,
            "ManagedBy": "aws-cdk",
        }
