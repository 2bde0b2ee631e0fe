"""Create a domain or an environment: `nox -s new -- NAME`, `nox -s new -- --environment NAME`."""

import argparse
import keyword
import sys
from collections.abc import Sequence

from stacks.core.environment import (
    DOMAIN,
    ENVIRONMENT,
    RESOURCE,
    Environment,
    InvalidEnvironmentError,
    NamingRule,
    construct_id,
)
from tools import project
from tools.cdk_cli.synth import DEFAULT_ENVIRONMENT
from tools.ci import git
from tools.console import say, waiting
from tools.errors import UsageError, reports_errors
from tools.guard import snapshots
from tools.new import apps, files
from tools.project import ROOT

FUNCTION = DOMAIN._replace(kind="function", source="it is the file in src/modules/")

NEXT_DOMAIN = """\
Created {created}.
Added {stack} to {changed}, and recorded it in snapshots/ and README's diagram.
Next:
- Add resources in stacks/{domain}/stack.py. Its comments explain data, tables and imports.
- Check the stack: uv run nox -t {domain}
- Record its changed template for the review: uv run nox -s snapshots. A first table or function
  also changes the account's recorded policies, which a person deploys: docs/execution-policy.md.
- Deploy it to the local cloud: uv run nox -s deploy -- --to local {stack}"""

NEXT_ENVIRONMENT = """\
Created apps/{name}/app.py from apps/{default}/app.py, and recorded its templates in snapshots/.
Next:
- Write what differs in apps/{name}/app.py: keyword arguments of its stacks.
- Deploy it to the local cloud: uv run nox -s deploy -- --environment {name} --to local
- docs/growing.md describes its account on AWS, and the roles with which CI deploys it."""


def create_domain(domain: str, function: str | None) -> None:
    """Write a domain with one stack, and add the stack to each environment with the foundation.

    Raises `UserError` before anything is written if the name is invalid, reserved or in use.
    """
    _check_name(DOMAIN, domain)
    if domain in project.domains():
        raise UsageError(
            f"stacks/{domain} already exists. docs/growing.md shows how to add to its stack."
        )
    stack = construct_id(domain)
    values = {"domain": domain, "stack": stack}
    new = files.render("domain", values)
    if function:
        _check_name(FUNCTION, function)
        values["function"] = function
        values["construct"] = construct_id(function).removesuffix("Stack")
        values["label"] = RESOURCE.check(f"{domain}-{function}".replace("_", "-"))
        new |= files.render("function", values)
    changed = {}
    for environment in project.environments():
        path = f"apps/{environment}/app.py"
        source = (ROOT / path).read_text()
        if apps.identity_variable(source):
            changed[path] = apps.with_stack(source, path, domain, takes_role=bool(function))
    files.write(new, changed)
    _record([path.split("/")[1] for path in changed])
    created = ", ".join(sorted({path.rpartition("/")[0] for path in new}))
    apps_changed = ", ".join(changed)
    say(NEXT_DOMAIN.format(created=created, changed=apps_changed, domain=domain, stack=stack))


def create_environment(name: str, settings: dict[str, str]) -> None:
    """Write an environment with the default environment's stacks.

    Raises `UserError` before anything is written if a setting is invalid or the name is in use.
    """
    _check_name(ENVIRONMENT, name)
    Environment(name=name, **settings)  # checks them
    source = (ROOT / "apps" / DEFAULT_ENVIRONMENT / "app.py").read_text()
    new = {
        f"apps/{name}/__init__.py": f'"""The {name} environment."""\n',
        f"apps/{name}/app.py": apps.other_environment(source, name, **settings),
    }
    files.write(new, {})
    _record([name])
    say(NEXT_ENVIRONMENT.format(name=name, default=DEFAULT_ENVIRONMENT))


def _check_name(rule: NamingRule, name: str) -> None:
    rule.check(name)
    if name in {*project.RESERVED, *project.environments()} or keyword.iskeyword(name):
        raise UsageError(f"The name {name!r} is reserved. Choose another name.")


def _record(environments: Sequence[str]) -> None:
    with waiting(f"Synthesizing {', '.join(environments)}"):
        snapshots.record_all(environments)
    # Otherwise `git diff snapshots` would not show the new records.
    git.track(ROOT, [snapshots.FOLDER.name])


@reports_errors
def main(arguments: Sequence[str]) -> int:
    """Create what `arguments` name; return the exit status."""
    parser = argparse.ArgumentParser(prog="nox -s new --", allow_abbrev=False)
    parser.add_argument("domain", nargs="?", help="a Python package name, e.g. market_data")
    parser.add_argument("--function", metavar="NAME", help="with a Lambda function in src/modules/")
    parser.add_argument("--environment", metavar="NAME", help="an environment instead of a domain")
    parser.add_argument("--account", metavar="ID", help="the environment's account: 12 digits")
    parser.add_argument("--region", help="the environment's region")
    options = parser.parse_args(arguments)
    given = {"account": options.account, "region": options.region}
    settings = {key: value for key, value in given.items() if value is not None}
    try:
        if options.environment and not (options.domain or options.function):
            create_environment(options.environment, settings)
        elif options.domain and not (options.environment or settings):
            create_domain(options.domain, options.function)
        else:
            parser.error("name a domain, or an --environment with its --account and --region")
    except InvalidEnvironmentError as error:
        raise UsageError(str(error)) from None
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
