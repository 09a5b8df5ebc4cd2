"""What MariaDB says is read exactly, and what is said to it cannot be broken out of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.node.bare import Bare

from wallcloud.node.resource import Change, ResourceFailed
from wallcloud.node.resources import mariadb_client as client
from wallcloud.node.resources import mariadb_grants as grants
from wallcloud.node.resources.mariadb import (
    Database,
    DatabaseAccount,
    ExclusiveDatabaseAccounts,
    ExclusiveDatabases,
)
from wallcloud.node.resources.mariadb_grants import Grant
from wallcloud.node.run import Output
from wallcloud.node.secret import Secret

# as the server of Debian 12 wrote it (10.11.19), the hash apart
ANSWER = r"""
database	information_schema	utf8mb3	utf8mb3_general_ci
database	keystone	utf8mb3	utf8mb3_general_ci
account	keystone	localhost	{"access":0,"version_id":101119,"plugin":"unix_socket","authentication_string":"","password_last_changed":1795395931}
GRANT USAGE ON *.* TO `keystone`@`localhost` IDENTIFIED VIA unix_socket
GRANT SELECT, INSERT, UPDATE, DELETE ON `keystone`.* TO `keystone`@`localhost`
account	root	localhost	{"access":18446744073709551615,"plugin":"mysql_native_password","authentication_string":"invalid","auth_or":[{},{"plugin":"unix_socket"}]}
GRANT `r1` TO `root`@`localhost` WITH ADMIN OPTION
GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` IDENTIFIED VIA mysql_native_password USING 'invalid' OR unix_socket WITH GRANT OPTION
GRANT PROXY ON ``@`%` TO `root`@`localhost` WITH GRANT OPTION
account	t1	%	{"access":320,"version_id":101119,"plugin":"mysql_native_password","authentication_string":"*HASH","ssl_type":3,"ssl_cipher":"","x509_issuer":"","x509_subject":"/CN=a'b","max_user_connections":5,"account_locked":true,"password_last_changed":0,"default_role":"r1"}
GRANT `r1` TO `t1`@`%`
GRANT RELOAD, PROCESS ON *.* TO `t1`@`%` IDENTIFIED BY PASSWORD '*HASH' REQUIRE SUBJECT '/CN=a''b' WITH MAX_USER_CONNECTIONS 5
GRANT SHUTDOWN ON *.* TO `t1`@`%` IDENTIFIED VIA ed25519 USING 'GRANT OPTION' REQUIRE X509 WITH MAX_USER_CONNECTIONS 5
GRANT SUPER ON *.* TO `t1`@`%` REQUIRE X509 WITH GRANT OPTION MAX_USER_CONNECTIONS 5
GRANT SELECT ON `nova\\_api`.* TO `t1`@`%` WITH GRANT OPTION
GRANT SELECT (`version_num`, `b`), INSERT ON `keystone`.`alembic_version` TO `t1`@`%`
SET DEFAULT ROLE `r1` FOR `t1`@`%`
account	a\n\tb`c'd\\	localhost	{"access":0,"version_id":101119,"plugin":"mysql_native_password","authentication_string":"","password_last_changed":1795396325}
GRANT USAGE ON *.* TO `a\n\tb``c'd\\`@`localhost`
account	r1		{"access":0,"version_id":101119,"is_role":true}
unreadable
unfinished	keystone
head	keystone	alembic_version	c88cdce8f248
head	keystone	alembic_version	742c857f1dfb
""".strip()  # noqa: E501


def test_an_answer_is_read() -> None:
    found = client.parse(ANSWER)
    assert found.databases["keystone"] == ("utf8mb3", "utf8mb3_general_ci")
    assert found.heads == {("keystone", "alembic_version"): ("742c857f1dfb", "c88cdce8f248")}
    assert found.unfinished == {"keystone"}
    assert found.roles == ("r1",)
    assert list(found.accounts) == ["keystone@localhost", "root@localhost", "t1@%", "a\n\tb`c'd\\@localhost"]
    root, t1 = found.accounts["root@localhost"], found.accounts["t1@%"]
    assert (root.login, root.secrets) == ("mysql_native_password or unix_socket", "invalid\n")
    assert (t1.requires, t1.locked, t1.expired, t1.max_connections) == ("SUBJECT '/CN=a''b'", True, True, 5)
    assert [each.text for each in t1.grants] == [
        "DEFAULT ROLE `r1`",
        "INSERT, SELECT (`version_num`, `b`) ON `keystone`.`alembic_version`",
        "PROCESS, RELOAD ON *.*",
        "ROLE `r1`",
        "SELECT ON `nova\\_api`.* WITH GRANT OPTION",
        "SHUTDOWN ON *.*",
        "SUPER ON *.* WITH GRANT OPTION",
    ]
    assert [each.text for each in found.accounts["keystone@localhost"].grants] == [
        "DELETE, INSERT, SELECT, UPDATE ON `keystone`.*"
    ]


def test_an_account_shows_everything_but_its_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "server", lambda ctx: client.parse(ANSWER))
    wanted = DatabaseAccount(
        user="t1",
        host="%",
        via="tls",
        password=Secret("word"),
        subject="/CN=nova",
        grants=("INSERT, SELECT ON `keystone`.*",),
    )
    assert wanted.compare(Bare(word="hunter22")) == (
        Change("password", None, None, secret=True),
        Change("requires", "SUBJECT '/CN=a''b'", "SUBJECT '/CN=nova'"),
        Change("locked", True, False),
        Change("expired", True, False),
        Change("max_connections", 5, 0),
        Change(
            "grants",
            (
                "DEFAULT ROLE `r1`",
                "INSERT, SELECT (`version_num`, `b`) ON `keystone`.`alembic_version`",
                "PROCESS, RELOAD ON *.*",
                "ROLE `r1`",
                "SELECT ON `nova\\_api`.* WITH GRANT OPTION",
                "SHUTDOWN ON *.*",
                "SUPER ON *.* WITH GRANT OPTION",
            ),
            ("INSERT, SELECT ON `keystone`.*",),
        ),
    )


# As the server of Debian 12 wrote it: the first way stands outside of auth_or.
TWO = (
    r'account	t2	%	{"access":0,"plugin":"mysql_native_password","authentication_string":"ONE",'
    r'"auth_or":[{},{"plugin":"mysql_native_password","authentication_string":"TWO"}],'
    r'"ssl_type":3,"x509_subject":"/CN=t2","password_last_changed":1795796518}'
)


def test_an_account_of_two_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    ctx = Bare(old="hunter1", new="hunter2")
    one, two = client.native_hash("hunter1"), client.native_hash("hunter2")
    said = TWO.replace("ONE", one).replace("TWO", two)
    monkeypatch.setattr(client, "server", lambda ctx: client.parse(said))
    how = {"user": "t2", "host": "%", "via": "tls", "subject": "/CN=t2"}
    both = DatabaseAccount(**how, password=Secret("old"), another=Secret("new"))  # type: ignore[arg-type]
    assert both.compare(ctx) == ()
    new = DatabaseAccount(**how, password=Secret("new"))  # type: ignore[arg-type]
    assert [(each.property, each.secret) for each in new.compare(ctx)] == [("login", False), ("password", True)]
    sent: list[str] = []
    monkeypatch.setattr(client, "execute", lambda statements, **_: sent.extend(statements))
    both.apply(ctx, (Change("password", None, None, secret=True),))
    way = "mysql_native_password USING"
    assert sent[0].startswith(f"ALTER USER `t2`@`%` IDENTIFIED VIA {way} '{one}' OR {way} '{two}' REQUIRE SUBJECT ")
    with pytest.raises(ValueError, match="another password without a first one"):
        DatabaseAccount(user="t2", another=Secret("new"))


def test_strangers_are_found_and_the_servers_own_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "server", lambda ctx: client.parse(ANSWER))
    here = Bare(DatabaseAccount(user="keystone"), Database(database="nova"))
    assert ExclusiveDatabaseAccounts(keep=("t1@%",)).read(here) == {
        "strangers": ("a\n\tb`c'd\\@localhost",),
        "roles": ("r1",),
    }
    assert ExclusiveDatabases().read(here) == {"strangers": ("keystone",)}
    assert ExclusiveDatabases(keep=("keystone",)).read(here) == {"strangers": ()}


def test_a_stranger_database_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "server", lambda ctx: client.parse(ANSWER))
    with pytest.raises(ResourceFailed) as failed:
        ExclusiveDatabases().apply(Bare(), ())
    assert failed.value.what == "refused: dropping keystone would lose data"
    assert failed.value.hint == "dump it and drop it by hand, or name it in the site"


def test_no_server_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    said = "ERROR 2002 (HY000): Can't connect to local server through socket '/run/mysqld/mysqld.sock' (2)\n"
    for answer in (Output(1, "", said), Output(127, "", "mariadb: not found")):
        monkeypatch.setattr(client, "run", lambda *_, answer=answer, **__: answer)
        for each in (Database(database="a"), DatabaseAccount(user="a"), ExclusiveDatabaseAccounts()):
            assert each.read(Bare()) is None


def test_a_server_that_refuses_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    said = "ERROR 1698 (28000): Access denied for user 'root'@'localhost'\n"
    monkeypatch.setattr(client, "run", lambda *_, **__: Output(1, "", said))
    with pytest.raises(ResourceFailed) as failed:
        Database(database="a").read(Bare())
    assert (failed.value.what, failed.value.output) == ("MariaDB cannot be read", (said.strip(),))
    assert failed.value.hint == "root@localhost must log in over the socket (IDENTIFIED VIA unix_socket)"


def test_an_error_about_a_secret_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    said = (
        "--------------\nALTER USER x USING '*SECRET'\n--------------\nERROR 1064 (42000) at line 2: near '*SECRET'\n"
    )
    monkeypatch.setattr(client, "run", lambda *_, **__: Output(1, "", said))
    with pytest.raises(ResourceFailed) as failed:
        client.execute(["ALTER USER x USING '*SECRET'"], secret=True)
    assert "SECRET" not in str(vars(failed.value))
    assert failed.value.output == ("ERROR 1064 (42000) at line 2",)
    with pytest.raises(ResourceFailed) as failed:
        client.execute(["NONSENSE"])
    assert failed.value.tried == "NONSENSE;"


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_quotes_hold(text: str) -> None:
    """Reading a quoted text back by the server's rules gives the text, and it ends where it should."""
    quoted, inner = client.string(text), client.string(text)[1:-1]
    assert quoted[0] == quoted[-1] == "'"
    back, rest = "", inner
    while rest:
        pair = rest[:2] in {"\\\\", "''"}
        assert pair or rest[0] not in "\\'"
        back, rest = back + (rest[0]), rest[2 if pair else 1 :]
    assert back == text
    assert client.identifier(text)[1:-1].replace("``", "") == text.replace("`", "")


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=2, max_size=4))
def test_no_value_passes_for_a_row(fields: list[str]) -> None:
    """What batch mode escapes comes back, whatever stands in it."""
    marks = {"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\0": "\\0"}
    sent = "\t".join("".join(marks.get(each, each) for each in field) for field in fields) + "\n"
    assert list(client.rows(sent)) == [tuple(fields)]


def test_nul_is_no_name() -> None:
    with pytest.raises(ValueError, match="NUL"):
        client.identifier("a\0b")


def test_the_native_hash() -> None:
    assert client.native_hash("test") == "*94BDCEBE19083CE2A1F959FD02F964C7AF4CFC29"


ALL = Grant("`k`.*", frozenset({"ALL PRIVILEGES"}))


@pytest.mark.parametrize(
    ("found", "wished", "statements"),
    [
        ([], ["SELECT, INSERT ON `k`.*"], ["GRANT INSERT, SELECT ON `k`.* TO x"]),
        (["SELECT ON `k`.*"], ["INSERT ON `k`.*"], ["GRANT INSERT ON `k`.* TO x", "REVOKE SELECT ON `k`.* FROM x"]),
        (["SELECT ON `k`.*"], ["ALL PRIVILEGES ON `k`.*"], ["GRANT ALL PRIVILEGES ON `k`.* TO x"]),
        (
            ["ALL PRIVILEGES ON `k`.*"],
            ["SELECT ON `k`.*"],
            ["REVOKE ALL PRIVILEGES ON `k`.* FROM x", "GRANT SELECT ON `k`.* TO x"],
        ),
        (
            ["ALL PRIVILEGES ON *.* WITH GRANT OPTION"],
            [],
            ["REVOKE ALL PRIVILEGES ON *.* FROM x", "REVOKE GRANT OPTION ON *.* FROM x"],
        ),
        (
            ["ALL PRIVILEGES ON `k`.* WITH GRANT OPTION"],
            ["ALL PRIVILEGES ON `k`.*"],
            ["REVOKE GRANT OPTION ON `k`.* FROM x"],
        ),
        (["SELECT ON `k`.*"], ["SELECT ON `k`.*"], []),
    ],
)
def test_grants_are_given_before_they_are_taken(found: list[str], wished: list[str], statements: list[str]) -> None:
    assert grants.statements("x", map(grants.wanted, found), map(grants.wanted, wished)) == statements


def test_roles_are_taken() -> None:
    found = [Grant("", frozenset({"`r`", "GRANT OPTION"})), Grant("default", frozenset({"`r`"}))]
    assert grants.statements("x", found, []) == ["REVOKE `r` FROM x", "SET DEFAULT ROLE NONE FOR x"]


@pytest.mark.parametrize("text", ["", "SELECT", "SELECT ON k.*", "SELECT ON *.*; DROP USER x", "select ON *.*"])
def test_what_is_no_grant(text: str) -> None:
    with pytest.raises(ValueError, match="not a grant"):
        DatabaseAccount(user="a", grants=(text,))


def test_tls_needs_both_halves() -> None:
    with pytest.raises(ValueError, match="a@%: password and subject belong to via=tls, and it needs both"):
        DatabaseAccount(user="a", host="%", via="tls", password=Secret("x"))
    with pytest.raises(ValueError, match="belong to via=tls"):
        DatabaseAccount(user="a", subject="/CN=a")
