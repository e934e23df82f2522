"""Which pages may connect, and which addresses are ours: what browsers say of both (RFC 6454).

A page's origin is ours if it is where the request went, by its header Host. That alone would trust
whatever name leads here, also one whose owner let it lead to this machine only after its page was
loaded (DNS rebinding). So once the operator has named origins, names besides those count no more.
"""

import re
from collections.abc import Collection
from typing import Final

_NOBODYS_NAME: Final = re.compile(
    r"(?:localhost|[0-9]{1,3}(?:\.[0-9]{1,3}){3}|\[[0-9a-f:.]+\])(?::[0-9]+)?"
)


class Origins:
    """Those of one web server.

    :param named: by the operator, in lower case: https://example.com.
    """

    def __init__(self, named: Collection[str] = ()) -> None:
        self._named = frozenset(named)

    def encrypted(self, secure: bool, host: str) -> bool:
        """Tell whether a browser sees us at https://, be it by a proxy that speaks TLS for us.

        :param secure: whether the request came over TLS.
        :param host: the request's header Host; "" for none.
        """
        return secure or f"https://{host}".lower() in self._named

    def may_connect(self, origin: str | None, secure: bool, host: str) -> bool:
        """Tell whether a page may connect to us.

        :param origin: the request's header Origin; None for no page.
        """
        if origin is None or origin.lower() in self._named:
            return True
        host = host.lower()
        if not host or (self._named and not _NOBODYS_NAME.fullmatch(host)):
            return False
        return origin.lower() == f"{'https' if secure else 'http'}://{host}"
