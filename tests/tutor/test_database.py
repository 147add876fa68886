"""``do init`` makes a database user that may do what a replay needs, and no more."""

from __future__ import annotations

import pytest

from tests.support.tutor_site import endurance

ALLOWED = [
    "SELECT count(*) FROM openedx.auth_user",
    "INSERT INTO openedx.external_user_ids_externalid SELECT * FROM openedx.external_user_ids_externalid LIMIT 0",
    "CREATE TABLE log_replay.own (id INT); DROP TABLE log_replay.own",
]
REFUSED = [
    "UPDATE openedx.auth_user SET username = 'x'",
    "DELETE FROM openedx.external_user_ids_externalid",
    "INSERT INTO openedx.auth_user (username) VALUES ('x')",
    "SELECT * FROM mysql.user",
]


def privileges(server, site):
    user, password = site.value("LOG_REPLAY_MYSQL_USERNAME"), site.value("LOG_REPLAY_MYSQL_PASSWORD")
    return {sql: server.run(sql, user=user, password=password).returncode == 0 for sql in (*ALLOWED, *REFUSED)}


@pytest.mark.parametrize("tutor_release", ["newest", pytest.param("oldest", marks=endurance)])
def test_the_user_may_do_what_a_replay_needs(new_site, mariadb):
    for _ in range(2):
        done = new_site("local", "do", "init", "--limit", "log-replay")
        assert done.returncode == 0, done.stdout + done.stderr
        assert privileges(mariadb, new_site) == {**dict.fromkeys(ALLOWED, True), **dict.fromkeys(REFUSED, False)}


def test_a_change_of_the_settings_takes_effect(site, mariadb):
    site.use(LOG_REPLAY_ADD_EXTERNAL_IDS=False, LOG_REPLAY_MYSQL_PASSWORD="an 'other' \\ \"password\"")
    assert site("local", "do", "replay-runs", "list").returncode == 0
    inserts, others = ALLOWED[1], [ALLOWED[0], ALLOWED[2]]
    assert privileges(mariadb, site) == {
        **dict.fromkeys(others, True),
        **dict.fromkeys([inserts, *REFUSED], False),
    }


def test_a_wrong_root_password_is_one_message(new_site):
    new_site.use(MYSQL_ROOT_PASSWORD="wrong")
    (new_site.root / "env/plugins/log-replay/apps/database/create.sh").write_text(
        (new_site.root / "env/plugins/log-replay/apps/database/create.sh").read_text().replace("-ge 60", "-ge 1")
    )
    done = new_site("local", "do", "replay-runs", "list")
    assert done.returncode == 1
    assert "Access denied" in done.stderr
    assert done.stderr.splitlines()[-1] == "the database could not be prepared, see above"
