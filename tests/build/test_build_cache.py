"""The cache is whole at every moment: between processes, after kills, against damaged content."""

import hashlib
import multiprocessing
import os
import signal
import threading
from datetime import timedelta
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from wallcloud.build.blobs import open_blob
from wallcloud.build.cache import Cache, Result, default_path, key_of
from wallcloud.errors import WallcloudError

_SPAWN = multiprocessing.get_context("spawn")
_DAY = timedelta(days=1)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def _age(path: Path, days: int = 30) -> None:
    stamp = path.stat().st_mtime - days * 86400
    os.utime(path, (stamp, stamp))


def test_a_blob_is_named_by_its_content_and_cannot_be_written(cache: Cache) -> None:
    digest = cache.add_bytes(b"content")
    assert digest == hashlib.sha256(b"content").hexdigest()
    assert cache.blob(digest).read_bytes() == b"content"
    assert cache.blob(digest).stat().st_mode & 0o777 == 0o444
    assert cache.has(digest)
    assert not cache.has("0" * 64)
    assert cache.add_bytes(b"content") == digest


def test_a_file_of_ones_own_is_copied_and_one_in_scratch_is_moved(cache: Cache, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.write_bytes(b"own")
    digest = cache.add_file(own)
    assert own.read_bytes() == b"own"
    own.write_bytes(b"changed")
    assert cache.blob(digest).read_bytes() == b"own"
    with cache.scratch() as folder:
        (folder / "made").write_bytes(b"made")
        cache.add_file(folder / "made")
        assert not (folder / "made").exists()


def test_content_other_than_promised_is_refused_and_not_stored(cache: Cache, tmp_path: Path) -> None:
    (tmp_path / "evil.deb").write_bytes(b"evil")
    promised = hashlib.sha256(b"good").hexdigest()
    with pytest.raises(WallcloudError) as caught:
        cache.add_file(tmp_path / "evil.deb", promised)
    assert caught.value.what == (
        "content has the SHA-256 " + hashlib.sha256(b"evil").hexdigest() + f", but {promised} was promised"
    )
    assert not cache.has(promised)
    assert not cache.has(hashlib.sha256(b"evil").hexdigest())


@pytest.mark.parametrize("name", ["", "../x", "a/b", "A", "x" * 200])
def test_what_is_no_key_or_digest_is_refused(cache: Cache, name: str) -> None:
    with pytest.raises(ValueError, match="not a cache key"):
        cache.result(name)
    with pytest.raises(ValueError, match="not a SHA-256"):
        cache.blob(name)


def test_a_result_is_there_only_while_all_that_it_needs_is(cache: Cache) -> None:
    first, second = cache.add_bytes(b"1"), cache.add_bytes(b"2")
    assert cache.result("key") is None
    cache.record("key", Result(first, (second,)))
    assert cache.result("key") == Result(first, (second,))
    cache.blob(second).unlink()
    assert cache.result("key") is None


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"digest": 1}', '{"digest": "x", "needs": []}', "\x00"])
def test_a_damaged_result_counts_as_absent(cache: Cache, damage: str) -> None:
    cache.record("key", Result(cache.add_bytes(b"1")))
    (cache.path / "results" / "key.json").write_text(damage)
    assert cache.result("key") is None


def test_forget(cache: Cache) -> None:
    cache.record("key", Result(cache.add_bytes(b"1")))
    cache.forget("key")
    cache.forget("key")
    assert cache.result("key") is None


def test_keys_differ_with_every_part() -> None:
    assert key_of("kind", {"a": 1, "b": 2}) == key_of("kind", {"b": 2, "a": 1})
    assert len({key_of("kind", 1), key_of("kind", "1"), key_of("kind", [1]), key_of("other", 1)}) == 4


def test_trees_are_published_whole(cache: Cache) -> None:
    assert cache.tree("root-1") is None
    with cache.lock("root-1"), cache.scratch() as folder:
        (folder / "root/etc").mkdir(parents=True)
        (folder / "root/etc/hostname").write_text("x")
        path = cache.add_tree("root-1", folder / "root")
    assert cache.tree("root-1") == path
    assert (path / "etc/hostname").read_text() == "x"
    with cache.scratch() as folder, pytest.raises(OSError):  # never over another tree
        (folder / "root/etc").mkdir(parents=True)
        cache.add_tree("root-1", folder / "root")


def _count(path: Path, counter: Path, times: int) -> None:
    cache = Cache(path)
    for _ in range(times):
        with cache.lock("counter"):
            counter.write_text(str(int(counter.read_text()) + 1))


def test_a_lock_keeps_processes_and_threads_apart(cache: Cache, tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    counter.write_text("0")
    arguments = (cache.path, counter, 100)
    processes = [_SPAWN.Process(target=_count, args=arguments) for _ in range(2)]
    threads = [threading.Thread(target=_count, args=arguments) for _ in range(3)]
    for process in processes:
        process.start()
    for thread in threads:
        thread.start()
    for process in processes:
        process.join()
    for thread in threads:
        thread.join()
    assert counter.read_text() == "500"


def _add_many(path: Path) -> None:
    cache = Cache(path)
    for number in range(50):
        digest = cache.add_bytes(str(number).encode() * 1000)
        cache.record("shared", Result(digest))
        assert cache.result("shared") is not None
        cache.prune(timedelta(days=1))


def test_many_writers_of_the_same_blobs_while_others_prune(cache: Cache) -> None:
    workers = [threading.Thread(target=_add_many, args=(cache.path,)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    blobs = list((cache.path / "blobs/sha256").glob("*/*"))
    assert len(blobs) == 50
    assert all(hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name for blob in blobs)
    assert list((cache.path / "tmp").iterdir()) == []


def _hold(path: Path, ready: Event) -> None:
    cache = Cache(path)
    with cache.lock("key"), cache.scratch() as folder:
        (folder / "half").write_text("half")
        ready.set()
        signal.pause()


def test_the_work_of_the_killed_is_swept_and_that_of_the_living_is_not(cache: Cache) -> None:
    ready = _SPAWN.Event()
    worker = _SPAWN.Process(target=_hold, args=(cache.path, ready), daemon=True)
    worker.start()
    assert ready.wait(30)
    with cache.scratch() as mine:
        assert len(list((cache.path / "tmp").iterdir())) == 2
        worker.kill()
        worker.join()
        with cache.lock("key"), cache.scratch() as other:
            assert {each.name for each in (cache.path / "tmp").iterdir()} == {mine.name, other.name}


def test_prune_keeps_what_is_young_and_what_the_young_need(cache: Cache) -> None:
    old, needed, young = cache.add_bytes(b"old"), cache.add_bytes(b"needed"), cache.add_bytes(b"young")
    cache.record("old", Result(old))
    cache.record("used", Result(young, (needed,)))
    with cache.scratch() as folder:
        (folder / "t").mkdir()
        cache.add_tree("tree-old", folder / "t")
        (folder / "t").mkdir()
        cache.add_tree("tree-young", folder / "t")
    for path in (cache.blob(old), cache.blob(needed), cache.path / "results/old.json", cache.path / "trees/tree-old"):
        _age(path)
    file, size = open_blob(cache, old)
    pruned = cache.prune(_DAY)
    assert (pruned.results, pruned.blobs, pruned.trees, pruned.size) == (1, 1, 1, 3)
    assert not cache.has(old)
    assert cache.result("used") == Result(young, (needed,))
    assert cache.tree("tree-old") is None
    assert cache.tree("tree-young") is not None
    with file:
        assert (file.read(), size) == (b"old", 3)  # who reads a blob loses nothing


def test_use_makes_young(cache: Cache) -> None:
    digest = cache.add_bytes(b"1")
    cache.record("key", Result(digest))
    _age(cache.blob(digest))
    _age(cache.path / "results/key.json")
    assert cache.result("key") is not None
    assert cache.prune(_DAY).results == 0
    assert cache.has(digest)


def test_an_absent_blob_says_what_mends_it(cache: Cache) -> None:
    with pytest.raises(WallcloudError) as caught:
        open_blob(cache, "0" * 64)
    assert caught.value.what == "the blob 0000000000000000… is not in the cache any more"
    assert caught.value.hint == "run `wallcloud build`, then try again"


def test_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/x")
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/tmp/y")
    assert default_path() == Path("/var/tmp/y/wallcloud")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert default_path() == Path("/home/x/.cache/wallcloud")


def test_a_folder_that_cannot_be_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WallcloudError) as caught:
        Cache(tmp_path / "file" / "cache")
    assert caught.value.what == "the cache folder cannot be made: Not a directory"
    assert caught.value.hint == "set XDG_CACHE_HOME to a folder that you can write"
