"""The moments of a deploy at which it is broken."""

from random import Random

from tests.faults.round import Command, wait_for

# What is said when a part of a deploy begins, and how many seconds that part takes.
BETWEEN = {"✅  StorageStack": 0.03, "✅  RegistryStack": 0.03, "✅  IdentityStack": 0.03}
DURING = {
    "Synthesis time": 0.5,
    "creating CloudFormation changeset": 0.5,
    "StorageStack (wealth-ops-storage-dev): deploying": 0.1,
    "RegistryStack (wealth-ops-registry-dev): deploying": 0.1,
    "IdentityStack (wealth-ops-identity-dev): deploying": 0.1,
}
ANY = {"Preparing": 1.0, "Deploying": 1.5, **DURING, **BETWEEN}


def reach(deploy: Command, random: Random, moments: dict[str, float]) -> str:
    """Wait for a random moment of a deploy, and describe it."""
    words = random.choice(sorted(moments))
    later = random.uniform(0, moments[words])
    wait_for(lambda: words in deploy.said() or deploy.process.poll() is not None)
    wait_for(lambda: deploy.process.poll() is not None, later)
    return f"{later * 1000:.0f} ms after {words.partition(' (')[0]!r}"
