# Create the database user and the ledger's database. The credentials are in files, not in arguments.
set -eu
folder=$(dirname "$0")
attempt=1
until mysql --defaults-extra-file="$folder/client.cnf" --execute="SELECT 1" >/dev/null 2>"${TMPDIR:-/tmp}/log-replay-error"; do
    if [ "$attempt" -ge 60 ]; then
        cat "${TMPDIR:-/tmp}/log-replay-error" >&2
        exit 1
    fi
    attempt=$((attempt + 1))
    sleep 2
done
mysql --defaults-extra-file="$folder/client.cnf" <"$folder/create.sql"
echo "the database user and the ledger of log-replay exist" >&2
