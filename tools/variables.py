"""The environment variables for this process and the commands that it starts.

In a session on a target, `Target.variables` replace the variables of the process. They come from
`credentials.resolve` for AWS, and from `LocalCloud.variables` for the local cloud. The CDK CLI also
gets `cdk.VARIABLES`. A synthesis gets no target variables.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tools.project import ROOT

# An SDK without credentials would read the user's files, and ask the EC2 metadata service.
NO_CONFIGURATION = {
    "AWS_CONFIG_FILE": str(ROOT / "build" / "no-aws-configuration"),
    "AWS_SHARED_CREDENTIALS_FILE": str(ROOT / "build" / "no-aws-configuration"),
    "AWS_EC2_METADATA_DISABLED": "true",
}
# Programs also read the upper-case names.
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


def without_aws(variables: Mapping[str, str], *, keep_proxies: bool = False) -> dict[str, str]:
    """`variables` without the variables for AWS: no credentials, profile or proxy.

    AWS SDK variables begin with AWS_ (SDKs and tools reference guide, "Settings reference"), and
    CDK CLI variables begin with CDK_.
    """
    kept = {
        key: value
        for key, value in variables.items()
        if not key.startswith(("AWS_", "CDK_")) and (keep_proxies or key.lower() not in _PROXIES)
    }
    return kept | NO_CONFIGURATION


@contextmanager
def replaced_variables(variables: Mapping[str, str]) -> Iterator[None]:
    """Use `variables` as all variables for this process and the commands that it starts."""
    before = dict(os.environ)
    try:
        os.environ.clear()
        os.environ.update(variables)
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
