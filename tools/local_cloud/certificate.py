"""The certificate of a server on this machine. No openssl binary is needed."""

from pathlib import Path

import trustme

from tools.local_cloud.durable import replace


def issue(certificate: Path, key: Path, host: str) -> None:
    """Write a certificate for `host` and localhost, with the authority to trust, and its key."""
    authority = trustme.CA()
    issued = authority.issue_cert(host, "localhost")
    key.touch(mode=0o600)
    issued.private_key_pem.write_to_path(str(key))
    # Last: where there is a certificate, there is its key.
    chain = [*issued.cert_chain_pems, authority.cert_pem]
    replace(certificate, b"".join(blob.bytes() for blob in chain))
