"""A small repository of this shape, and what a change of it affects."""

import os

from tools.affected import Affected

FILES = {
    "README.md": "",
    "LICENSE": "",
    "uv.lock": "",
    "noxfile.py": "",
    "apps/__init__.py": "",
    "apps/dev/app.py": "import stacks.alpha.stack\nfrom stacks.beta.exports import URI\n",
    "stacks/__init__.py": "",
    "stacks/core/base.py": "",
    # alpha is imported by gamma, absolutely; beta by delta, relatively and by way of a package.
    "stacks/alpha/app.py": "from stacks.alpha.stack import Stack\n",
    "stacks/alpha/exports.py": "ARN = 1\n",
    "stacks/alpha/stack.py": "from stacks.alpha import exports\nfrom stacks.core.base import *\n",
    "stacks/beta/__init__.py": "from .exports import URI\n",
    "stacks/beta/app.py": "",
    "stacks/beta/exports.py": "URI = 1\n",
    "stacks/delta/app.py": "def late() -> None:\n    from ..beta import URI\n",
    "stacks/delta/exports.py": "",
    "stacks/gamma/app.py": "import stacks.alpha.exports as theirs\n",
    "tests/conftest.py": "",
    "tests/alpha/test_stack.py": "",
    "tests/core/test_base.py": "",
    "tools/__init__.py": "",
    "tools/deployment/__main__.py": "from tools import deploy\n",
    "tools/deploy.py": "COMMAND = ['python', '-m', 'tools.server']\n",
    "tools/server.py": "",
    "tools/style.py": "",
}
DOMAINS = ("alpha", "beta", "delta", "gamma")
# What a file may be called, too.
NAMES = (
    *("a b", 'quote"d', "it's", "ü-雪", "new\nline", "tab\t", "back\\slash", "-x"),
    os.fsdecode(b"\xff"),
)


def is_everything(found: Affected, why: str) -> bool:
    assert why in found.why
    assert found == Affected(DOMAINS, True, True, True, found.why)
    return True


def parts(found: Affected) -> tuple[tuple[str, ...], bool, bool]:
    assert not found.everything
    return found.stacks, found.shared, found.deployable
