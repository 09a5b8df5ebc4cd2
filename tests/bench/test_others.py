"""What the other tools said: a run that was not whole, or not everywhere, is no measurement."""

import pytest
from bench.others import ansible_changed, pyinfra_changed

RECAP = """\
PLAY RECAP *********************************************************************
api                        : ok=121  changed=0    unreachable=0    failed=0    skipped=0    rescued=0    ignored=0   
control                    : ok=121  changed=1    unreachable=0    failed=0    skipped=0    rescued=0    ignored=0   
"""  # noqa: W291 - as Ansible writes it
TOTAL = """\
    Operation     Hosts   Success   Error   No Change   
    120.conf      2       -         -       2           
    Grand total   242     1         -       241         
"""  # noqa: W291 - as pyinfra writes it
NODES = ("control", "api")


def test_changes_are_counted() -> None:
    assert ansible_changed(RECAP, NODES) == 1
    assert pyinfra_changed(TOTAL, NODES) == 1
    assert pyinfra_changed(TOTAL.replace("1         -       241", "-         -       242"), NODES) == 0


@pytest.mark.parametrize(
    "broken",
    [
        RECAP.replace("unreachable=0", "unreachable=1", 1),
        RECAP.replace("failed=0", "failed=1", 1),
        RECAP.replace("ok=121", "ok=120", 1),
        RECAP.replace("control", "compute1"),
        "",
    ],
)
def test_ansible_not_whole(broken: str) -> None:
    with pytest.raises(SystemExit, match="Ansible did not"):
        ansible_changed(broken, NODES)


@pytest.mark.parametrize(
    "broken",
    [
        TOTAL.replace("241", "240"),
        TOTAL.replace("1         -       241", "-         1       241"),
        TOTAL.replace("total   242", "total   121").replace("241", "120"),
        "",
    ],
)
def test_pyinfra_not_whole(broken: str) -> None:
    with pytest.raises(SystemExit, match="pyinfra did not"):
        pyinfra_changed(broken, NODES)
