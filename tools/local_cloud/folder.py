"""A local cloud's folder: the files, and their preparation before a server starts."""

import os
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import trustme

from tools.errors import UserError
from tools.project import ROOT

HOST = "127.0.0.1"

# The state of MiniStack's services, and the S3 objects. Another version of MiniStack may not
# understand them.
STATE = f"state-{version('ministack')}"
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


def prepare_state(directory: Path) -> str | None:
    """Create the folder of the state; move a state that may be incomplete to `state-<date>`.

    Returns a notice for the user if a state was moved.
    """
    state, notice = directory / STATE, None
    if state.exists() and (directory / PORT).exists():
        moved = directory / f"state-{datetime.now():%Y%m%d-%H%M%S}"
        state.rename(moved)
        notice = (
            "The last server was killed or could not save its state, so the old state may be "
            f"incomplete, and was moved to {moved}. This cloud is empty; a deploy rebuilds it. To "
            f"use the old state, stop this cloud and replace the folder {state} with the moved one."
        )
    state.mkdir(exist_ok=True)
    return notice


def issue_certificate(directory: Path) -> None:
    """Write a new certificate and its private key."""
    authority = trustme.CA()
    issued = authority.issue_cert(HOST, "localhost")
    (directory / KEY).parent.mkdir(mode=0o700, exist_ok=True)
    issued.private_key_pem.write_to_path(directory / KEY)
    chain = [*issued.cert_chain_pems, authority.cert_pem]
    (directory / CERTIFICATE).write_bytes(b"".join(blob.bytes() for blob in chain))
