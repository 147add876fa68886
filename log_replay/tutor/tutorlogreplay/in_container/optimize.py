"""Remove repeated rows from Aspects' tables, inside the job's container: OPTIMIZE TABLE ... FINAL, table by table.

The environment has the URL of ClickHouse, the credentials and the tables (DATABASE.TABLE, separated by commas).
"""

import os
import sys
from base64 import b64encode
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen


def query(sql: str) -> str:
    """Run a query and return its result."""
    user, password = os.environ["OPTIMIZE_USERNAME"], os.environ["OPTIMIZE_PASSWORD"]
    authorization = b64encode(f"{user}:{password}".encode()).decode()
    request = Request(os.environ["OPTIMIZE_URL"], sql.encode(), {"Authorization": f"Basic {authorization}"})  # noqa: S310 - the site's own URL
    with urlopen(request) as response:  # noqa: S310 - as above; it takes as long as it takes
        return str(response.read().decode())


def main() -> None:
    """Optimize the tables that exist."""
    cluster = os.environ.get("OPTIMIZE_CLUSTER")
    on_cluster = f" ON CLUSTER `{cluster}`" if cluster else ""
    for name in os.environ["OPTIMIZE_TABLES"].split(","):
        table = ".".join(f"`{part}`" for part in name.split("."))
        if query(f"EXISTS TABLE {table}").strip() == "1":
            sys.stderr.write(f"removing repeated rows from {name}\n")
            query(f"OPTIMIZE TABLE {table}{on_cluster} FINAL")
        else:
            sys.stderr.write(f"there is no table {name}\n")


if __name__ == "__main__":
    try:
        main()
    except HTTPError as error:
        sys.exit(f"ClickHouse answered {error.code}: {error.read(500).decode('utf-8', 'replace').strip()}")
    except URLError as error:
        sys.exit(f"ClickHouse does not answer: {error.reason}")
