"""Every TLS flow holds, no canary is seen, and what was opened by hand is named."""

import pytest
from tests.lab_cloud.cloud import Cloud, failures

pytestmark = [pytest.mark.root, pytest.mark.lab]

SQL = "mariadb --no-defaults --protocol=socket --socket=/run/mysqld/mysqld.sock --user=root --skip-ssl"
ACCOUNT = "'nova-metadata'@'198.19.10.13'"
OPEN = rf"""
cd /etc/wallcloud/apache
sed -i 's/SSLVerifyClient require/SSLVerifyClient none/; s/Require expr .*/Require all granted/' apache2.conf
systemctl reload wallcloud-apache
echo "ALTER USER {ACCOUNT} REQUIRE NONE" | {SQL}
"""
TELLS = r"""
sed -i 's/^LogFormat "/LogFormat "%{X-Auth-Token}i /' /etc/wallcloud/apache/apache2.conf
systemctl reload wallcloud-apache
"""
DOOR = "encryption/control:8443/public-door@api"
DATABASE = "encryption/control:3306/nova-metadata@network"


def test_encryption_holds_and_holes_are_named(designed: Cloud) -> None:
    """A door that asks for no certificate, a database account that needs none, a log that tells tokens."""
    report = designed.expect_verified("encryption")
    assert report["negative"] > 300
    designed.on("control", OPEN)
    designed.on("api", TELLS)
    try:
        report = designed.verify("encryption")
    finally:
        designed.apply("after doors were opened")
    found = {failed["id"] for failed in report["parts"]["encryption"]["failed"]}
    wanted = {f"{DOOR}/{case}" for case in ("without", "other-ca", "self-signed", "expired", "stranger")}
    wanted |= {f"{DATABASE}/{case}" for case in ("without", "stranger", "neighbour")}
    wanted |= {f"encryption/journal/api/{canary}" for canary in ("token", "next-token")}
    assert found == wanted, failures(report)
    designed.expect_designed("after doors were opened")
