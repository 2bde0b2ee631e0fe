"""A local cloud's folder: the files, and their preparation before a server starts."""

import os
import shlex
import shutil
from datetime import datetime
from pathlib import Path

import trustme

from tools.errors import UserError
from tools.project import ROOT

HOST = "127.0.0.1"

# The state of MiniStack's services, the S3 objects, and MiniStack's version.
STATE = "state"
VERSION = "state/ministack-version"
# The running server's port. The file still exists if the server was killed or could not save its
# whole state.
PORT = "port"
# A lock that the running server holds.
LOCK = "lock"
# The server's certificate, with the certificate authority that clients trust.
CERTIFICATE = "tls/server.crt"
KEY = "tls/server.key"
# The Python that runs Lambda functions.
PYTHON = "python"
# The unpacked code of functions, which MiniStack does not remove when it stops.
TEMPORARY = "tmp"
# The server's output.
LOG = "server.log"


def cloud_directory() -> Path:
    """The local cloud's folder: WEALTH_OPS_CLOUD, or `.cloud` in the repository."""
    return Path(os.environ.get("WEALTH_OPS_CLOUD") or ROOT / ".cloud").resolve()


def create(directory: Path) -> Path:
    """Create and return a local cloud's folder; raises `UserError` if that fails."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"The local cloud cannot use the folder {directory}: {error}. Set WEALTH_OPS_CLOUD to "
            "another folder."
        ) from error
    return directory


def prepare_state(directory: Path, version: str) -> str | None:
    """Make the state usable for MiniStack `version`: move an unusable state to `state-<date>`.

    Returns a notice for the user if a state was moved.
    """
    state, notice = directory / STATE, None
    if state.exists() and (reason := _why_unusable(directory, version)):
        moved = directory / f"{STATE}-{datetime.now():%Y%m%d-%H%M%S}"
        state.rename(moved)
        notice = (
            f"The old state of the local cloud was moved to {moved}. This cloud is empty; a deploy "
            f"rebuilds it. {reason}"
        )
    state.mkdir(exist_ok=True)
    (directory / VERSION).write_text(version)
    return notice


def _why_unusable(directory: Path, version: str) -> str | None:
    # A server that was killed during its first start, or found a full disk, wrote no version.
    writer = (directory / VERSION).read_text() if (directory / VERSION).exists() else ""
    if writer != version:
        return (
            f"MiniStack {writer or 'unknown'} wrote the old state, and this is MiniStack {version}."
        )
    if (directory / PORT).exists():
        return (
            "The last server was killed or could not save its state, so the old state may be "
            "incomplete. To use the old state, "
            f"stop this cloud and replace the folder {directory / STATE} with the moved folder."
        )
    return None


def free_space(directory: Path) -> str:
    """The free disk space, for an error that a full disk may have caused."""
    return f"{shutil.disk_usage(directory).free / 1e6:.1f} MB are free in {directory}"


def issue_certificate(directory: Path) -> None:
    """Write a new certificate and its private key."""
    authority = trustme.CA()
    issued = authority.issue_cert(HOST, "localhost")
    (directory / KEY).parent.mkdir(mode=0o700, exist_ok=True)
    issued.private_key_pem.write_to_path(directory / KEY)
    chain = [*issued.cert_chain_pems, authority.cert_pem]
    (directory / CERTIFICATE).write_bytes(b"".join(blob.bytes() for blob in chain))


def how_to_empty() -> str:
    """Return instructions to start an empty local cloud without deleting the old one."""
    directory = cloud_directory()
    # With a date: mv would move the folder into an existing one.
    paths = str(directory), f"{directory}-{datetime.now():%Y%m%d-%H%M%S}"
    return (
        "To start with an empty local cloud, stop `uv run nox -s cloud` if it runs, and move the "
        f"old one: {shlex.join(['mv', *paths])}"
    )
