"""An account has one number, and a number one account."""

from collections.abc import Iterator

from wallcloud.design.separation._frame import Breach, Catalog, CatalogRule


def _check(catalog: Catalog) -> Iterator[Breach]:
    names: dict[int, tuple[str, str]] = {}
    numbers: dict[str, tuple[int, str]] = {}
    for component in catalog.values():
        for account in (component.account, *component.accounts):
            name, owner = names.setdefault(account.uid, (account.name, component.name))
            if name != account.name:
                text = f"the uid {account.uid} of {account.name} is that of {name}, at {owner}"
                yield Breach(component.name, "account", text)
            number, owner = numbers.setdefault(account.name, (account.uid, component.name))
            if number != account.uid:
                text = f"the account {account.name} has the uid {account.uid}, and {number} at {owner}"
                yield Breach(component.name, "account", text)


RULE = CatalogRule(
    id="accounts-apart",
    forbids="one uid for two accounts, or two uids for one",
    why="the firewall tells a node's services apart by uid: each would have the other's flows, files and secrets",
    mend="give it an account of its own with a free number from 600 to 699",
    check=_check,
)
