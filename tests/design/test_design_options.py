"""The operator's options against the release's tables: every mistake with its line, before anything is touched."""

from pathlib import Path

import pytest
from tests.design.goldens import golden
from tests.design.world import RELEASE, designed, with_options

from wallcloud.design.compile import compile_site
from wallcloud.node.resources import File
from wallcloud.node.secret import masked
from wallcloud.site.load import SiteError

FOLDER = Path(__file__).parent / "golden"
WRONG = {
    "component": "keyston: {token: {expiration: 1}}",
    "component-without-options": "mariadb: {mysqld: {port: 1}}",
    "group": "keystone: {tokens: {expiration: 1}}",
    "option": "keystone: {token: {expirations: 1}}",
    "option-elsewhere": "keystone: {cache: {expiration: 1}}",
    "type": "keystone: {token: {expiration: soon}}",
    "range": "keystone: {token: {expiration: -1}}",
    "choice": "keystone: {DEFAULT: {notification_format: xml}}",
    "derived": "keystone: {database: {connection: 'sqlite://'}}",
    "derived-trust": "nova-compute: {placement: {insecure: true}, glance: {cafile: /etc/ca.pem}}",
    "derived-in-other-letters": "keystone: {Database: {max-pool-size: 50}}",
    "several": "keystone: {token: {expirations: 1, provider: x}, tokens: {a: b}}",
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong(case: str) -> None:
    with pytest.raises(SiteError) as raised:
        compile_site(with_options(WRONG[case]), {}, RELEASE)
    golden(FOLDER / f"options-{case}.txt", "\n".join(raised.value.output) + "\n")


def keystone_conf(options: str) -> str:
    design = compile_site(with_options(options), {}, RELEASE)
    (file,) = (
        each
        for each in design.specs["control"].resources
        if isinstance(each, File) and each.path == "/etc/keystone/keystone.conf"
    )
    return masked(file.content)


def test_an_option_is_laid_over_the_designs() -> None:
    text = keystone_conf("keystone: {token: {expiration: 7201}, security_compliance: {lockout_failure_attempts: 6}}")
    assert text.count("expiration = ") == 1
    assert "\nexpiration = 7201\n" in text
    assert "\n[security_compliance]\nlockout_failure_attempts = 6\n" in text


def test_other_spellings_are_the_same_option_and_not_a_second_one() -> None:
    text = keystone_conf("keystone: {token: {allow-rescope-scoped-token: true}, default: {insecure-debug: true}}")
    assert text.count("allow_rescope_scoped_token") == text.count("insecure_debug") == 1
    assert "allow_rescope_scoped_token = true" in text
    assert "insecure_debug = true" in text
    assert text.lower().count("[default]") == 1


def test_values_are_literal() -> None:
    text = keystone_conf("keystone: {DEFAULT: {log_date_format: '$tag'}}")
    assert "\nlog_date_format = $$tag\n" in text


def test_lists_and_what_is_written_once_per_value() -> None:
    text = keystone_conf(
        "keystone: {auth: {methods: [password, token]}, oslo_messaging_notifications: {driver: [noop, log]}}"
    )
    assert "\nmethods = password,token\n" in text
    assert "\ndriver = noop\ndriver = log\n" in text


def test_the_examples_have_no_findings() -> None:
    assert designed("article").specs
    assert designed("combined").specs


def test_a_deprecated_option_is_a_warning_alone() -> None:
    from tests.design.world import example

    from wallcloud.build.options import table
    from wallcloud.catalog import components
    from wallcloud.design.settings import check_options

    known = table("2026.2", "keystone")
    group, name = next(
        (group, name) for group, options in known.groups.items() for name, option in options.items() if option.removed
    )
    value = known.groups[group][name].default
    loaded = with_options(f"keystone: {{{group}: {{{name}: {value if isinstance(value, int) else 'x'}}}}}")
    (finding,) = check_options(loaded.site, components(), loaded.locations)
    assert (finding.severity, finding.id) == ("warning", "removed")
    assert list(check_options(example().site, components(), example().locations)) == []
