{% set user = (LOG_REPLAY_MYSQL_USERNAME|log_replay_sql_text) ~ "@'%'" %}
{% set lms = OPENEDX_MYSQL_DATABASE|log_replay_sql_name %}
{% set adds = LOG_REPLAY_ADD_EXTERNAL_IDS|string|lower %}
CREATE DATABASE IF NOT EXISTS {{ LOG_REPLAY_MYSQL_DATABASE|log_replay_sql_name }} CHARACTER SET utf8mb4;
CREATE USER IF NOT EXISTS {{ user }} IDENTIFIED BY {{ LOG_REPLAY_MYSQL_PASSWORD|log_replay_sql_text }};
ALTER USER {{ user }} IDENTIFIED BY {{ LOG_REPLAY_MYSQL_PASSWORD|log_replay_sql_text }};
REVOKE ALL PRIVILEGES, GRANT OPTION FROM {{ user }};
GRANT ALL ON {{ LOG_REPLAY_MYSQL_DATABASE|log_replay_sql_name }}.* TO {{ user }};
GRANT SELECT ON {{ lms }}.* TO {{ user }};
{% if adds in ("true", "1", "yes") or (adds == "auto" and LOG_REPLAY_MYSQL_HOST == MYSQL_HOST) %}
GRANT INSERT ON {{ lms }}.external_user_ids_externalid TO {{ user }};
GRANT INSERT ON {{ lms }}.external_user_ids_externalidtype TO {{ user }};
{% endif %}
