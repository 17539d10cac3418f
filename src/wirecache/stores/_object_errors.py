"""The meaning of an object store's errors, and the parts that may be shown: servers repeat key ids, signatures and URLs in answers."""

from __future__ import annotations

import re

__all__ = ["cause", "is_absent", "is_outage"]

NO_BUCKET = frozenset({"NoSuchBucket", "ContainerNotFound"})
# Where obstore looks for credentials that the environment lacks: the metadata service of cloud machines.
METADATA_SERVICE = ("/latest/api/token", "/latest/meta-data", "/computeMetadata/", "/metadata/identity/")
# Answers about one object or operation, from a server that otherwise works.
OF_ONE_REQUEST = frozenset({"409", "411", "412", "413", "501"})
# A missing permission for this operation or object, rather than a wrong key.
NOT_PERMITTED = frozenset({"AccessDenied", "AuthorizationPermissionMismatch"})

_STATUS = re.compile(r"status code: ((\d{3})[\w ]*)")
_CODE = re.compile(r"<Code>(\w+)</Code>")


def is_absent(error: Exception) -> bool:
    """Return whether the error says that the object does not exist (and not that the bucket does not)."""
    return isinstance(error, FileNotFoundError) and _code(error) not in NO_BUCKET


def is_outage(error: BaseException) -> bool:
    """Return whether the store fails for every key: no answer, no bucket, wrong credentials, a server error."""
    import obstore.exceptions as e

    if isinstance(error, (e.PermissionDeniedError, e.UnauthenticatedError)):
        return _code(error) not in NOT_PERMITTED
    if isinstance(error, (e.GenericError, OSError)):
        status = _STATUS.search(str(error))
        return status is None or status[2] not in OF_ONE_REQUEST
    return False


def cause(error: BaseException) -> str:
    """Return what went wrong: the status and the server's code, or the first line without URLs, and nothing else from the server."""
    text = str(error)
    if any(path in text for path in METADATA_SERVICE):
        return "no credentials: there are none in the environment, and this machine has no metadata service that gives any"
    if "builder error" in text:
        return "its endpoint is not encrypted: use https://, or say allow_http=true"
    status = _STATUS.search(text)
    if status is None:
        reason = text.partition("\n")[0].rpartition(" - ")[2]
        return re.sub(r"\w+://\S+", "...", reason)[:200] or type(error).__name__
    return ", ".join(filter(None, (status[1].strip(), _code(error))))


def _code(error: BaseException) -> str:
    found = _CODE.search(str(error))
    return found[1] if found else ""
