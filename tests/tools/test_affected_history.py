"""Which parts a change affects, shown on real git histories of a small repository of this shape."""

import functools
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.tools.sample import DOMAINS, FILES, NAMES, is_everything, parts
from tools import affected as tool
from tools import git
from tools.affected import Affected, affected
from tools.console import UserError
from tools.project import ROOT, domains

ZEROS = "0" * 40


@dataclass(frozen=True)
class Repository:
    """A git repository in a folder, and what a person does in it."""

    root: Path

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.root, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def write(self, *paths: str, text: str = "# another line\n") -> None:
        for path in paths:
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            with (self.root / path).open("a") as file:
                file.write(text)

    def commit(self, *written: str, text: str = "# another line\n") -> None:
        self.write(*written, text=text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=.")

    def head(self) -> str:
        return self.git("rev-parse", "HEAD")

    def move(self, old: str, new: str) -> None:
        (self.root / new).parent.mkdir(parents=True, exist_ok=True)
        self.git("mv", old, new)

    def since(self, base: str, head: str | None = "HEAD") -> Affected:
        return affected(self.root, base, head)

    def affected_by(self, *written: str, text: str = "# another line\n") -> Affected:
        self.write(*written, text=text)
        return self.since("HEAD", None)


@pytest.fixture(scope="module", autouse=True)
def _own_git() -> object:
    """Nothing of the person's git, nor of a git hook that runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("GIT_")]:
            patch.delenv(name)
        for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
            patch.setenv(name, os.devnull)
        # What is thrown away need neither reach the disk nor be tidied up.
        quick = {"core.fsync": "none", "maintenance.auto": "false"}
        patch.setenv("GIT_CONFIG_COUNT", str(len(quick)))
        for number, (key, value) in enumerate(quick.items()):
            patch.setenv(f"GIT_CONFIG_KEY_{number}", key)
            patch.setenv(f"GIT_CONFIG_VALUE_{number}", value)
        for who in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{who}_NAME", "Someone")
            patch.setenv(f"GIT_{who}_EMAIL", "someone@example.com")
        yield


@pytest.fixture(scope="module", autouse=True)
def _read_once() -> object:
    """Most files are the same in every test; what they import need not be read again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tool, "_imports", functools.cache(tool._imports))
        yield


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    new = Repository(tmp_path_factory.mktemp("original"))
    new.git("init", "--quiet", "--template=", "--initial-branch=main")
    for path, text in FILES.items():
        new.write(path, text=text)
    new.commit()
    # One file instead of one for each object: each test that changes it has a copy.
    new.git("repack", "-a", "-d", "--quiet")
    return new


@pytest.fixture
def repository(original: Repository, tmp_path: Path) -> Repository:
    shutil.copytree(original.root, tmp_path / "repository")
    return Repository(tmp_path / "repository")


# What happens to files


def test_a_deleted_domain_affects_what_is_shared_and_who_still_imports_it(
    repository: Repository,
) -> None:
    repository.commit("tests/beta/test_stack.py")
    repository.git("rm", "-r", "--quiet", "stacks/beta", "tests/beta")
    found = repository.affected_by()
    assert parts(found) == (("delta",), True, True)
    assert "stacks/beta/app.py" in found.reasons["shared"]


@pytest.mark.parametrize(
    ("old", "new", "stacks"),
    [
        ("stacks/alpha/stack.py", "stacks/delta/stack.py", ("alpha", "delta")),
        ("stacks/alpha/stack.py", "tools/stack.py", ("alpha",)),
        ("stacks/alpha/stack.py", "docs/stack.py", ("alpha",)),
        ("tools/style.py", "stacks/gamma/style.py", ("gamma",)),
        ("LICENSE", "stacks/delta/layout.py", ("delta",)),
    ],
)
def test_a_rename_counts_on_both_sides(
    repository: Repository, old: str, new: str, stacks: tuple[str, ...]
) -> None:
    repository.move(old, new)
    found = repository.affected_by()
    assert found.stacks == stacks
    assert found.shared is ("tools/" in old + new)


def test_a_renamed_domain_affects_the_new_one_and_who_imports_the_old_one(
    repository: Repository,
) -> None:
    repository.git("mv", "stacks/alpha", "stacks/omega")
    repository.git("mv", "tests/alpha", "tests/omega")
    assert parts(repository.affected_by()) == (("gamma", "omega"), True, True)


def test_a_file_that_only_becomes_executable_counts(repository: Repository) -> None:
    (repository.root / "stacks/alpha/stack.py").chmod(0o755)
    assert parts(repository.affected_by()) == (("alpha",), False, True)


def test_any_file_name_is_read_from_git(repository: Repository) -> None:
    paths = {f"stacks/alpha/{name}.py" for name in NAMES}
    repository.commit(*paths)
    for head in ("HEAD", None):
        assert git.changed(repository.root, "HEAD~1", head) == paths
        assert git.read_files(repository.root, head, ".", ".py").keys() >= paths
        assert parts(repository.since("HEAD~1", head)) == (("alpha",), False, True)
    repository.commit(*NAMES)
    assert git.changed(repository.root, "HEAD~1", "HEAD") == {*NAMES}
    assert is_everything(repository.since("HEAD~1"), "nothing claims")


# What the history looks like


def test_the_empty_change_affects_nothing(repository: Repository) -> None:
    assert repository.affected_by() == Affected(why="nothing changed")
    assert repository.since("HEAD") == Affected(why="nothing changed")
    assert repository.since("HEAD", None) == Affected(why="nothing changed")


def test_a_change_that_was_undone_affects_nothing(repository: Repository) -> None:
    repository.commit("stacks/alpha/stack.py")
    repository.git("revert", "--no-edit", "HEAD")
    assert repository.since("HEAD~2") == Affected(why="nothing changed")


def test_what_the_base_gained_meanwhile_does_not_count(repository: Repository) -> None:
    repository.git("switch", "--quiet", "--create=feature")
    repository.commit("stacks/alpha/stack.py")
    repository.git("switch", "--quiet", "main")
    repository.commit("stacks/gamma/app.py", "uv.lock")
    assert parts(repository.since("main", "feature")) == (("alpha",), False, True)


def test_a_merge_commit_affects_what_it_brings_to_its_first_parent(repository: Repository) -> None:
    repository.git("switch", "--quiet", "--create=feature")
    repository.commit("stacks/alpha/stack.py")
    repository.git("switch", "--quiet", "main")
    repository.commit("stacks/gamma/app.py")
    main = repository.head()
    repository.git("merge", "--quiet", "--no-edit", "feature")
    assert parts(repository.since("HEAD^1")) == (("alpha",), False, True)
    assert parts(repository.since("HEAD^2")) == (("gamma",), False, True)
    # As GitHub tests a pull request: its base by id, and the merge of both.
    assert parts(repository.since(main)) == (("alpha",), False, True)


def test_a_tag_a_branch_and_an_abbreviated_id_are_refs(repository: Repository) -> None:
    repository.git("tag", "--annotate", "--message=.", "v1")
    first = repository.git("rev-parse", "--short", "HEAD")
    repository.git("branch", "before")
    repository.commit("stacks/alpha/stack.py")
    for base in ("v1", first, first.upper(), "before", "@~1"):
        assert parts(repository.since(base)) == (("alpha",), False, True)


@pytest.mark.parametrize(
    "base", ["nowhere", "1" * 40, "HEAD~9", "HEAD..HEAD", "^HEAD", "HEAD:uv.lock", " ", "@{9}"]
)
def test_an_unknown_base_affects_everything(original: Repository, base: str) -> None:
    assert is_everything(original.since(base), f"the base {base!r} is not here")


@pytest.mark.parametrize("base", [ZEROS, "0" * 64, ""])
def test_no_base_as_in_the_first_push_of_a_branch_affects_everything(
    original: Repository, base: str
) -> None:
    assert is_everything(original.since(base), "there is no base to compare with")


def test_a_force_push_affects_everything(repository: Repository) -> None:
    repository.commit("stacks/alpha/stack.py")
    before = repository.head()
    repository.git("reset", "--quiet", "--hard", "HEAD~1")
    repository.commit("stacks/gamma/app.py")
    for base in (before, before[:12], before.upper()):
        assert is_everything(repository.since(base), "(a force push?)")
    # In a clone that never saw what was pushed over:
    fresh = Repository(repository.root.parent / "fresh")
    repository.git("clone", "--quiet", "--no-local", ".", str(fresh.root))
    assert is_everything(fresh.since(before), "is not here (misspelt, a force push")


def test_no_common_history_affects_everything(repository: Repository) -> None:
    repository.git("switch", "--quiet", "--orphan", "other")
    repository.commit("stacks/alpha/app.py")
    repository.git("switch", "--quiet", "main")
    assert is_everything(repository.since("other"), "'other' at no commits")


def test_several_merge_bases_affect_everything(repository: Repository) -> None:
    repository.git("switch", "--quiet", "--create=feature")
    repository.commit("stacks/alpha/stack.py")
    repository.git("switch", "--quiet", "main")
    repository.commit("stacks/gamma/app.py")
    repository.git("branch", "crossing")
    repository.git("merge", "--quiet", "--no-edit", "feature")
    repository.git("switch", "--quiet", "feature")
    repository.git("merge", "--quiet", "--no-edit", "crossing")
    assert is_everything(repository.since("main", "feature"), "'main' at 2 commits")


def test_a_shallow_clone_without_the_base_affects_everything(repository: Repository) -> None:
    before = repository.git("rev-parse", "HEAD")
    repository.commit("stacks/alpha/stack.py")
    shallow = Repository(repository.root.parent / "shallow")
    repository.git("clone", "--quiet", "--no-local", "--depth=1", ".", str(shallow.root))
    assert is_everything(
        shallow.since(before), "is not here (misspelt, a force push or a shallow clone?)"
    )
    shallow.git("fetch", "--quiet", "--depth=1", "origin", before)
    assert is_everything(shallow.since(before), "a shallow clone may hide")


def test_a_shallow_clone_that_holds_the_base_is_enough(repository: Repository) -> None:
    repository.commit("uv.lock")
    repository.commit("stacks/alpha/stack.py")
    shallow = Repository(repository.root.parent / "shallow")
    repository.git("clone", "--quiet", "--no-local", "--depth=2", ".", str(shallow.root))
    assert parts(shallow.since("HEAD~1")) == (("alpha",), False, True)


# What is not committed yet


def test_without_a_head_what_is_not_committed_counts_too(repository: Repository) -> None:
    repository.commit("stacks/alpha/stack.py")
    repository.write("stacks/beta/app.py")
    repository.git("add", "stacks/beta/app.py")
    repository.write("stacks/delta/app.py")
    (repository.root / "tests/core/test_base.py").unlink()
    found = repository.since("HEAD~1", None)
    assert parts(found) == (("alpha", "beta", "delta"), True, True)
    assert parts(repository.since("HEAD~1")) == (("alpha",), False, True)


def test_without_a_head_an_untracked_file_counts_unless_it_is_ignored(
    repository: Repository,
) -> None:
    repository.commit(".gitignore", text="build/\n__pycache__/\n")
    repository.write("build/stacks/alpha/app.py", "stacks/alpha/__pycache__/app.pyc")
    assert repository.since("HEAD", None) == Affected(why="nothing changed")
    repository.write("stacks/prices/app.py", text="from stacks.alpha.exports import ARN\n")
    assert parts(repository.since("HEAD", None)) == (("prices",), False, True)
    repository.write("stacks/alpha/exports.py")
    assert repository.since("HEAD", None).stacks == ("alpha", "gamma", "prices")
    assert repository.since("HEAD") == Affected(why="nothing changed")


def test_with_a_head_the_imports_are_those_of_that_commit(repository: Repository) -> None:
    repository.commit("stacks/alpha/exports.py")
    head = repository.head()
    (repository.root / "stacks/gamma/app.py").write_text("")
    repository.commit("stacks/delta/app.py", text="from stacks.alpha.exports import ARN\n")
    repository.git("rm", "-r", "--quiet", "stacks/beta")
    assert repository.since(f"{head}~1", head).stacks == ("alpha", "gamma")


def test_a_domain_deleted_in_the_working_tree_is_gone_before_it_is_committed(
    repository: Repository,
) -> None:
    shutil.rmtree(repository.root / "stacks/beta")
    assert parts(repository.since("HEAD", None)) == (("delta",), True, True)
    assert is_everything(repository.since(ZEROS), "no base")


def test_the_settings_of_a_persons_git_change_nothing(repository: Repository) -> None:
    for setting in (
        "color.ui=always",
        "core.quotePath=true",
        "diff.external=false",
        "diff.mnemonicPrefix=true",
        "diff.renames=copies",
    ):
        repository.git("config", *setting.split("="))
    repository.move("stacks/alpha/stack.py", "stacks/delta/stäck.py")
    assert parts(repository.affected_by()) == (("alpha", "delta"), False, True)


def test_a_submodule_counts_whatever_its_name_and_the_persons_settings(
    repository: Repository,
) -> None:
    commit = repository.git("rev-parse", "HEAD")
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{commit},stacks/alpha/sub.py")
    repository.git("commit", "--quiet", "--message=.")
    repository.git("config", "diff.ignoreSubmodules", "all")
    assert parts(repository.since("HEAD~1")) == (("alpha",), False, True)


def test_a_file_that_was_touched_is_no_change_even_while_another_git_is_at_work(
    repository: Repository,
) -> None:
    os.utime(repository.root / "stacks/alpha/app.py", (1, 1))
    (repository.root / ".git/index.lock").touch()
    assert repository.since("HEAD", None) == Affected(why="nothing changed")


# What the person sees


def test_a_line_for_each_part_says_why(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tool, "ROOT", repository.root)
    repository.commit("stacks/alpha/app.py", "stacks/alpha/new.py", "tools/style.py")
    assert tool.main(["--base", "HEAD~1"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "alpha: stacks/alpha/app.py and 1 more",
        "shared: tools/style.py",
        "What is deployed, or how, may change.",
    ]
    assert tool.main(["--base", ZEROS]) == 0
    assert capsys.readouterr().out.startswith("Everything is affected: there is no base")
    assert tool.main(["--base", "HEAD"]) == 0
    assert capsys.readouterr().out == "Nothing is affected: nothing changed.\n"
    repository.commit("tests/alpha/test_stack.py")
    assert tool.main(["--base", "HEAD~1"]) == 0
    assert capsys.readouterr().out == "alpha: tests/alpha/test_stack.py\n"


def test_a_matrix_is_one_line_of_json(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tool, "ROOT", repository.root)
    repository.commit("stacks/alpha/stack.py")
    assert tool.main(["--base=HEAD~1", "--head=HEAD", "--json"]) == 0
    line = capsys.readouterr().out
    assert line.count("\n") == 1
    assert json.loads(line) == {
        "stacks": ["alpha"],
        "shared": False,
        "deployable": True,
        "everything": False,
        "why": "",
    }
    assert tool.main(["--base=", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["stacks"] == [*DOMAINS]
    assert found["everything"] is True
    assert "first push" in found["why"]


@pytest.mark.parametrize("option", ["--base", "--head"])
def test_a_ref_that_begins_with_a_dash_is_refused(
    repository: Repository,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    option: str,
) -> None:
    monkeypatch.setattr(tool, "ROOT", repository.root)
    assert tool.main(["--base=HEAD", f"{option}=--output=stolen"]) == 2
    said = capsys.readouterr()
    assert said.err == f"{option} is '--output=stolen'; no git ref begins with a dash.\n"
    assert said.out == ""
    assert not (repository.root / "stolen").exists()


@pytest.mark.parametrize("head", ["nowhere", "", "^HEAD", "HEAD~1..HEAD", "1" * 40])
def test_an_unknown_head_is_an_error_that_says_so(original: Repository, head: str) -> None:
    with pytest.raises(UserError, match="there is no such commit; fetch it first") as error:
        original.since("HEAD", head)
    assert error.value.status == 2


@pytest.mark.parametrize("head", [None, "HEAD"])
def test_a_folder_without_git_is_an_error_that_says_so(tmp_path: Path, head: str | None) -> None:
    with pytest.raises(UserError, match="not a git repository"):
        affected(tmp_path, "HEAD", head)


# This repository

HERE = tuple(domains())


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """The files of this repository, with a history of their own."""
    new = Repository(tmp_path_factory.mktemp("copy"))
    listed = Repository(ROOT).git("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (new.root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, new.root / name)
    new.git("init", "--quiet", "--template=", "--initial-branch=main")
    new.commit()
    return new


@pytest.mark.parametrize("domain", HERE)
def test_in_this_repository_too_a_change_in_a_domain_affects_it_alone(
    copy: Repository, domain: str
) -> None:
    copy.commit(f"stacks/{domain}/stack.py")
    assert parts(copy.since("HEAD~1")) == ((domain,), False, True)


def test_in_this_repository_too_exports_reach_their_importers_and_tools_the_deploy(
    copy: Repository,
) -> None:
    def affected_by(*written: str) -> Affected:
        copy.commit(*written)
        return copy.since("HEAD~1")

    assert parts(affected_by("stacks/storage/exports.py")) == (("identity", "storage"), True, True)
    assert parts(affected_by("tools/local_cloud/server.py")) == ((), True, True)
    assert parts(affected_by("tools/affected.py")) == ((), True, False)
    asking = tuple(name for name in HERE if (ROOT / "tests" / name / "test_hazards.py").exists())
    assert {"identity", "registry", "storage"} <= {*asking}  # the guard, in their tests
    assert parts(affected_by("tools/guard/words.py")) == (asking, True, True)
    assert affected_by("README.md", "CONTRIBUTING.md").why == "only documents changed"
    assert affected_by("stacks/core/base.py").everything
