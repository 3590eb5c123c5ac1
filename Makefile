# An index of what can be done here. The work itself is in package.json's scripts and in src/; every target installs
# what it needs on a fresh clone. Pass more to a command by ARGS: make test ARGS=test/domain
SHELL := bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.DELETE_ON_ERROR:

# Every recipe sees the project's own Node 24 first, whatever the machine has.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

IMAGE ?= nimbusguard-operator:0.1.0
CRDS := manifests/crd
DEPLOYMENT ?= manifests/base
NAMESPACE := nimbusguard

script = npm run --silent $(1) $(if $(ARGS),-- $(ARGS))
timed = TIMEFORMAT='make $@ took %1R s'; time $(call script,$(1))
say-context = @echo "Kubernetes context: $$(kubectl config current-context)"
need-engine = @docker info >/dev/null 2>&1 || { echo "No container engine answers: start Docker, or Podman with its Docker socket, then run make $@ again." >&2; exit 1; }

.PHONY: help setup dev-install check-deps dev run build generate check test test-integration test-e2e quality test-docker bench sim \
  install uninstall deploy undeploy status docker-build docker-run prod-build clean ready packages

help: ## Show all commands
	@awk -F ':.*## ' '/^##@/ { printf "\n%s\n", substr($$0, 5) } /^[a-z0-9-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' Makefile

##@ Set up

setup: packages check-deps ## Set up from scratch: install every package anew, then say which tools are missing

dev-install: ready ## Install what development needs into node_modules (every target below does this by itself)

check-deps: ready ## Say which tools are here, which are missing, and what each is for
	@need() { \
	  if found=$$(eval "$$2" 2>/dev/null); then printf '  %-8s %s\n' "$$1" "$${found%%$$'\n'*}"; \
	  else printf '  %-8s missing: %s\n' "$$1" "$$3"; fi; }; \
	need node 'node --version' 'install Node 24'; \
	need npm 'npm --version' 'comes with Node'; \
	need kubectl 'kubectl version --client' 'install it for make install, deploy and status'; \
	need docker 'docker info --format "{{.ServerVersion}}" | grep .' 'start Docker or Podman for make docker-build, docker-run and test-docker'; \
	need go 'go version' 'only to compile the servers of make test-integration'; \
	need mvn 'mvn --version' 'only to collect Kafka for make test-integration (and Java 17 or later to run it)'

##@ Develop

dev: ready ## Start an embedded cluster under load with the operator over it: no Docker, no cluster (ARGS="--speed 60")
	@NODE_COMPILE_CACHE=.cache/compile node src/main.ts dev $(ARGS)

run: ready ## Run the operator locally, against the current kubectl context
	$(say-context)
	@node src/main.ts run $(ARGS)

generate: ready ## Write the CRDs and RBAC of manifests/ from the schemas
	@$(call script,generate)

check: ready ## Types, lint, format
	@$(call timed,check)

test: ready ## Unit tests, in virtual time
	@$(call timed,test)

test-integration: ready ## Tests against a real Kubernetes control plane, Prometheus and NATS (COMPILE=1 makes missing servers)
	@$(call timed,test:integration)

quality: ready ## How good the default decides, beside HPA, KEDA and KPA (TRACES=dir: on a folder of traces)
	@mkdir -p .cache
	@node src/main.ts quality $(if $(TRACES),--traces $(TRACES)) --references .cache/quality.references.json --json .cache/quality.json --report .cache/quality.html $(ARGS)

test-e2e: ready ## Tests of the dashboard in a browser: Debian's Chromium (CHROMIUM=path for another)
	@command -v "$${CHROMIUM:-chromium}" >/dev/null || { echo "No browser: install Debian's package chromium, or set CHROMIUM to one" >&2; exit 1; }
	@$(call timed,test:e2e)

test-docker: ## Unit tests in a clean container
	$(need-engine)
	@docker run --rm --volume "$(CURDIR)":/repo:ro node:24-bookworm bash -c \
	  'mkdir /checkout && cd /repo && tar --exclude=./node_modules --exclude=./.cache --exclude=./dist -cf - . | tar -C /checkout -xf - && cd /checkout && make test'

sim: ready ## Whole operators under faults in virtual time: SEED=42 HOURS=24, or SEEDS=1000 HOURS=1
	@node test/simulation/sim.ts $(foreach option,SEED SEEDS FROM HOURS POLICIES WORKERS REPLAY,$(if $($(option)),--$(shell echo $(option) | tr A-Z a-z) $($(option)))) $(ARGS)

bench: ready ## Measure start-up, memory, a decision, and the cost of a tick at 100, 1,000 and 10,000 policies
	@$(call script,bench)

##@ Build

build: ready ## Bundle the operator into dist/
	@$(call script,build)

docker-build: ## Build the image (IMAGE=name:tag)
	$(need-engine)
	@docker build --tag $(IMAGE) .

docker-run: ## Run the image against the current kubectl context
	$(need-engine)
	$(say-context)
	@kubeconfig=$$(mktemp) && trap 'rm -f "$$kubeconfig"' EXIT && kubectl config view --raw --minify --flatten >"$$kubeconfig" && \
	docker run --rm --init --interactive --network host --user "$$(id -u):$$(id -g)" \
	  --volume "$$kubeconfig":/kubeconfig:ro --env KUBECONFIG=/kubeconfig \
	  --env LOG_LEVEL --env METRICS_PORT --env PROMETHEUS_URL --env OPENAI_API_KEY --env WATCH_NAMESPACE \
	  $(IMAGE) run $(ARGS)

prod-build: check test build docker-build ## Everything that a release needs: checked, tested, bundled, in an image

##@ Kubernetes

install: ## Install the CRDs into the current context
	$(say-context)
	@kubectl apply -k $(CRDS)

uninstall: ## Delete the CRDs, and with them every scaling policy; replicas stay as they are
	$(say-context)
	@kubectl delete -k $(CRDS) --ignore-not-found

deploy: ## Deploy the operator (DEPLOYMENT=manifests/overlays/production for two replicas)
	$(say-context)
	@kubectl apply -k $(DEPLOYMENT)

undeploy: ## Delete the operator and its CRDs, and with them every scaling policy; replicas stay as they are
	$(say-context)
	@kubectl delete -k $(DEPLOYMENT) --ignore-not-found

status: ## Show the operator, who leads, and every scaling policy
	$(say-context)
	@kubectl --namespace $(NAMESPACE) get deployments,pods,leases
	@echo
	@kubectl get scalers --all-namespaces

##@ Tidy

clean: ## Delete what installing and building made; compiled test servers in .cache/bin stay
	@rm -rf node_modules dist .cache/ci

# The lockfile's copy is the stamp: npm ci empties node_modules first, so half an installation has none.
ready:
	@cmp -s package-lock.json node_modules/.ready || $(MAKE) packages

# Nothing here needs an install script, so none runs.
packages:
	@echo "Installing packages (once, about 30 s)"
	@npm ci --ignore-scripts --no-audit --no-fund --no-progress --loglevel=error >/dev/null </dev/null
	@node -e 'const [a, b] = process.versions.node.split("."); if (+a < 22 || (+a === 22 && +b < 19)) { console.error(`Node $${process.versions.node} is too old: install Node 24 (x86-64 Linux gets it from npm by itself)`); process.exit(1) }'
	@cp package-lock.json node_modules/.ready
