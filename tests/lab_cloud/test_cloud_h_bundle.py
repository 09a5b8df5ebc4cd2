"""A bundle holds no secret, also where a journal does. It plants one there, so it runs after the search for secrets."""

import json
import tarfile
from pathlib import Path

import pytest
from tests.lab_cloud.cloud import NODES, Cloud

pytestmark = [pytest.mark.root, pytest.mark.lab]


def test_a_bundle_holds_no_secret(designed: Cloud, tmp_path: Path) -> None:
    secrets = json.loads((designed.state / "secrets.json").read_text())
    # In the journal, where a service under debugging might have put it: on the way it is in no argument.
    designed.on("api", "exec logger --tag wallcloud-planted", input=f"the password is {secrets['identity-admin']} here")
    path = tmp_path / "bundle.tar.gz"
    designed.run("bundle", str(path)).expect(0)
    assert path.stat().st_mode & 0o777 == 0o600
    with tarfile.open(path) as tar:
        files = {each.name: tar.extractfile(each) for each in tar.getmembers() if each.isfile()}
        contents = {name: file.read() for name, file in files.items() if file}
    journal = next(content for name, content in contents.items() if name.endswith("nodes/api/journal.txt"))
    assert b"the password is \xc2\xab" in journal, "what was planted did not get there, or is not marked"
    for name, content in contents.items():
        assert not [key for key, value in secrets.items() if value.encode() in content], name
        assert b"BEGIN PRIVATE KEY" not in content, name
    for node in NODES:
        assert any(f"/nodes/{node}/" in name and name.endswith("journal.txt") for name in contents)
