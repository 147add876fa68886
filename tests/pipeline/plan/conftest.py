from __future__ import annotations

from tests.support.servers import s3, s3_server

__all__ = ["s3", "s3_server"]
