"""Every number with its arithmetic."""

from collections.abc import Mapping

import pytest
from tests.design.world import EXAMPLES, RELEASE, designed, example

from wallcloud.catalog.component import Limit, Term
from wallcloud.catalog.facts import NodeFacts
from wallcloud.design.compile import compile_site
from wallcloud.site.load import Loaded


def numbers(loaded: Loaded, **facts: int) -> Mapping[str, int]:
    known = {node: NodeFacts.model_validate(facts) for node in loaded.site.nodes}
    design = compile_site(loaded, known, RELEASE)
    return {f"{limit.component}.{limit.name}": limit.value for limit in design.limits}


def test_a_limit_is_the_sum_of_its_terms() -> None:
    assert Limit("a", "b", (Term("one", 1), Term("two", 2))).value == 3


@pytest.mark.parametrize("flavour", EXAMPLES)
def test_each_has_a_component_terms_and_a_name_of_its_own(flavour: str) -> None:
    design = designed(flavour)
    names = [(limit.component, limit.name) for limit in design.limits]
    assert len(set(names)) == len(names)
    assert names == sorted(names)
    for limit in design.limits:
        assert limit.component in design.placed
        assert limit.terms
        assert all(term.text for term in limit.terms)
        assert limit.value > 0


@pytest.mark.parametrize(("cores", "processes"), [(1, 2), (2, 2), (7, 7), (64, 16)])
def test_workers_follow_the_cores(cores: int, processes: int) -> None:
    found = numbers(example(), cores=cores)
    assert found["keystone.processes"] == processes
    assert found["keystone.database_connections"] == processes * 2


def test_or_the_operators_word() -> None:
    loaded = example("article", ("limits: {api_workers: auto}", "limits: {api_workers: 5}"))
    assert numbers(loaded, cores=64)["keystone.processes"] == 5


@pytest.mark.parametrize("cores", [2, 8, 32])
def test_the_database_holds_what_all_its_clients_may_open(cores: int) -> None:
    found = numbers(example(), cores=cores)
    clients = sum(value for name, value in found.items() if name.endswith(".database_connections"))
    assert clients > 0
    assert found["mariadb.max_connections"] == clients + 7 + 2 + 8


def test_memory_is_shared_out() -> None:
    small, large = numbers(example(), memory_mib=1024), numbers(example(), memory_mib=65536)
    assert (small["mariadb.buffer_pool_mib"], large["mariadb.buffer_pool_mib"]) == (128, 4096)
    assert (small["rabbitmq.memory_mib"], large["rabbitmq.memory_mib"]) == (256, 4096)


def test_the_smallest_node_decides() -> None:
    loaded = example("combined")
    known = {node: NodeFacts(cores=8 if node == "control" else 1) for node in loaded.site.nodes}
    found = {limit.name: limit.value for limit in compile_site(loaded, known, RELEASE).limits}
    assert found["processes"] == 8
