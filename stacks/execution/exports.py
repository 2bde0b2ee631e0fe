"""The execution stack's exports."""

from stacks.core.exports import Export

ENVIRONMENTS = Export(
    "execution", "Environments", "Environments that CloudFormation may deploy in this account"
)
