"""Certificates of an encrypted scheduler, checked before Dask uses them: its own errors come late."""

from pathlib import Path
from typing import Any

from distributed.security import Security

from service.errors import InputError

_ENCRYPTED = ("tls://", "wss://")


def check_certificates(address: str) -> None:
    """Raise an `InputError` if Dask's own configuration does not go with the address of a scheduler.

    See https://distributed.dask.org/en/stable/tls.html for its keys below ``distributed.comm``.
    """
    # Its attributes are made at run time.
    security: Any = Security()
    where = f"--scheduler {address}"
    if not address.startswith(_ENCRYPTED):
        if security.require_encryption:
            raise InputError(
                f"{where}: Dask's configuration asks for encryption (require-encryption); give the address"
                f" as tls://{address.rpartition('://')[2]}"
            )
        return
    files = {
        "tls.ca-file": security.tls_ca_file,
        "tls.client.cert": security.tls_client_cert,
        "tls.client.key": security.tls_client_key,
    }
    # The key may be in the file of the certificate.
    unnamed = [key for key in ("tls.ca-file", "tls.client.cert") if not files[key]]
    if unnamed:
        raise InputError(
            f"{where}: needs certificates, and Dask's configuration does not name {', '.join(unnamed)}"
            " (docs/archives.md)"
        )
    for key, value in files.items():
        # It may hold the certificate itself.
        if value and "\n" not in value and not Path(value).is_file():
            raise InputError(f"{where}: {value}, {key} of Dask's configuration, is not there")
    try:
        security.get_connection_args("client")
    except (OSError, ValueError) as error:
        raise InputError(
            f"{where}: the certificates of Dask's configuration cannot be used ({error})"
        ) from None
