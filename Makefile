# The main jobs. `make lab` is the one to start with.
SITE ?= examples/article/site.yaml
WALLCLOUD = ./wallcloud
DEV = WALLCLOUD_REQUIREMENTS=requirements-dev.txt ./wallcloud --version >/dev/null && .venv/bin

.PHONY: lab lab-down test soak fast bench lock tables

lab: ## a whole cloud on this computer: check, build, lab up, plan, apply, plan (empty), verify
	$(WALLCLOUD) check --site $(SITE)
	$(WALLCLOUD) build --site $(SITE)
	$(WALLCLOUD) lab up --site $(SITE)
	$(WALLCLOUD) plan --site $(SITE) --summary || test $$? -eq 1
	$(WALLCLOUD) apply --site $(SITE)
	$(WALLCLOUD) plan --site $(SITE)
	$(WALLCLOUD) verify --site $(SITE)

lab-down: ## take the lab down; only the cache stays
	$(WALLCLOUD) lab down --site $(SITE)

test: ## everything: style, types, pure tests, real machines, a whole lab
	$(DEV)/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy && .venv/bin/pytest

soak: ## what takes hours: 10,000 broken sites; on a whole lab every kill of which `make test` takes a handful, ten proofs
	$(DEV)/pytest --version && WALLCLOUD_SOAK=1 .venv/bin/pytest -m soak tests/site tests/lab_cloud

fast: ## what needs no root: under a minute
	$(DEV)/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy && .venv/bin/pytest -m "not root and not lab"

bench: ## times and memory, written to docs/benchmarks.md
	$(DEV)/python -m bench.run

lock: ## resolve the requirements anew
	$(DEV)/uv pip compile -q --upgrade --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url -o requirements.txt pyproject.toml
	.venv/bin/uv pip compile -q --upgrade --python-version 3.11 --extra dev --generate-hashes --no-header --no-annotate --no-emit-index-url -o requirements-dev.txt pyproject.toml
	.venv/bin/uv pip compile -q --upgrade --python /usr/bin/python3 --generate-hashes --no-header --no-annotate --no-emit-index-url -o src/wallcloud/build/release/2026.2.txt src/wallcloud/build/release/2026.2.in
	.venv/bin/uv pip compile -q --upgrade --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url -o bench/others.txt bench/others.in

tables: ## regenerate the option tables and schema heads of the release from its environment
	$(DEV)/python -m wallcloud.build.tables 2026.2
