"""Create a domain with one stack: `python -m tools.new <domain>`."""

import argparse
import keyword
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from string import Template

from stacks.core.environment import DOMAIN, InvalidEnvironmentError, construct_id
from tools import project
from tools.cdk_cli.synth import DEFAULT_ENVIRONMENT, synthesize
from tools.console import say, waiting
from tools.errors import UserError, reports_errors
from tools.guard import snapshots
from tools.project import ROOT

TEMPLATES = Path(__file__).parent / "templates"
APP = Path("apps", DEFAULT_ENVIRONMENT, "app.py")
SYNTHESIZE = "app.synth()"  # APP must contain this line once

NEXT = """\
Created stacks/{domain} and tests/{domain}, and added {stack} to {app} and snapshots/.
Next:
- Add resources in stacks/{domain}/stack.py. Its comments explain data, tables and imports.
- Check the stack: uv run nox -t {domain}
- Record its changed template for the review: uv run nox -s snapshots
- Deploy it to the local cloud: uv run nox -s deploy -- --to local {stack}"""


def check_name(domain: str) -> None:
    """Raise `UserError` if the name `domain` is invalid, reserved or in use."""
    try:
        DOMAIN.check(domain)
    except InvalidEnvironmentError as error:
        raise UserError(str(error)) from None
    reserved = {*project.RESERVED, *project.environments(ROOT)}
    if domain in reserved or keyword.iskeyword(domain):
        raise UserError(f"The name {domain!r} is reserved. Choose another name.")
    for folder in ("stacks", "tests"):
        # After an error, `create` deletes both folders. A removed domain may leave __pycache__.
        paths = (ROOT / folder / domain).rglob("*")
        files = (path for path in paths if not path.is_dir(follow_symlinks=False))
        if any("__pycache__" not in path.parts for path in files):
            raise UserError(f"{folder}/{domain} already exists. Choose another name.")


def wire(app: str, domain: str) -> str:
    """The source of an environment's app with the stack of `domain` added.

    Raises `UserError` if `app` does not have the required line.
    """
    if app.count(SYNTHESIZE) != 1:
        raise UserError(
            f"{APP} must contain the line `{SYNTHESIZE}` once. Nothing was created. Restore the "
            "line."
        )
    stack = construct_id(domain)
    imported = f"from stacks.{domain}.stack import {stack}"
    app = app.replace("from stacks.", f"{imported}\nfrom stacks.", 1)
    return app.replace(SYNTHESIZE, f"{stack}(app, environment)\n\n{SYNTHESIZE}")


def write(domain: str) -> None:
    """Write the files of a domain, and the lines in the environment's app that create its stack."""
    app = wire((ROOT / APP).read_text(), domain)
    for template in TEMPLATES.glob("*/*"):
        path = ROOT / template.parent.name / domain / template.name.removesuffix(".in")
        path.parent.mkdir(parents=True, exist_ok=True)
        text = Template(template.read_text())
        path.write_text(text.substitute(domain=domain, stack=construct_id(domain)))
    (ROOT / APP).write_text(app)
    # The order of imports and the length of lines depend on the domain's name.
    ruff, paths = (sys.executable, "-m", "ruff"), (f"stacks/{domain}", f"tests/{domain}", APP)
    for command in (("check", "--select", "I", "--fix-only"), ("format",)):
        subprocess.run([*ruff, *command, "--quiet", *paths], cwd=ROOT, check=True)


def create(domain: str) -> None:
    """Add a domain to the repository and to the snapshots; after an error, remove it again."""
    app = (ROOT / APP).read_bytes()
    try:
        write(domain)
        with waiting(f"Synthesizing {DEFAULT_ENVIRONMENT}"):
            assembly = synthesize(DEFAULT_ENVIRONMENT)
    except BaseException:
        for folder in ("stacks", "tests"):
            shutil.rmtree(ROOT / folder / domain, ignore_errors=True)
        (ROOT / APP).write_bytes(app)
        raise
    snapshots.record(assembly, snapshots.FOLDER / DEFAULT_ENVIRONMENT)


@reports_errors
def main(arguments: list[str]) -> int:
    """Create the domain that `arguments` names; return the exit status."""
    parser = argparse.ArgumentParser(prog="nox -s new --", allow_abbrev=False)
    parser.add_argument("domain", help="a Python package name, e.g. market_data")
    domain: str = parser.parse_args(arguments).domain
    check_name(domain)
    create(domain)
    say(NEXT.format(domain=domain, stack=construct_id(domain), app=APP))
    return 0


if __name__ == "__main__":
    # nox sends SIGTERM when it is interrupted. `create` then removes the new domain.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main(sys.argv[1:]))
