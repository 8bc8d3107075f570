# What people and CI do here. `make` alone lists it. Run and test need only Go.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# A checkout whose owner is someone else must still build.
export GOFLAGS ?= -buildvcs=false
export SAM_CLI_TELEMETRY := 0
export AWS_DEFAULT_REGION ?= eu-central-1

# The race detector needs a C compiler; without one the tests run without it. So
# do those that have one goroutine, or let one go on at a time: there it finds
# nothing, and takes ten times as long.
RACE   := $(if $(filter 1,$(shell go env CGO_ENABLED)),-race)
LONELY := rapport/infra/explorer rapport/infra/layout rapport/infra/publish

# Small, and with the same bytes wherever it is built, so that a deployment
# changes only the functions that changed.
LAMBDA_FLAGS := -buildvcs=false -trimpath -tags=lambda.norpc '-ldflags=-s -w -buildid='

# Where `make tools` puts things; each is newer than the pins it was made from.
TOOLS    := $(CURDIR)/.tools
LINT     := $(TOOLS)/bin/golangci-lint
SAM      := $(TOOLS)/venv/bin/sam
BROWSER  := infra/browser/node_modules/.package-lock.json
CLIENTS  := infra/clients/node_modules/.package-lock.json
DYNOXIDE := infra/engines/node_modules/.package-lock.json
MOTO     := $(TOOLS)/moto/bin/moto_server
CHROMIUM := /usr/bin/chromium

.PHONY: help
help: ## list what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: bin/rapport ## run everything on this machine, with the sample shop
	@exec bin/rapport local

.PHONY: invoke
invoke: bin/rapport $(if $(DYNAMODB_ENDPOINT),,$(DYNOXIDE)) ## run a real Lambda: FN=decide EVENT=events/decide/anonymous.json
	@bin/rapport invoke $(FN) $(EVENT)

.PHONY: test
test: export GOGC := 400
test: ## vet and test; needs only Go
	go test $(RACE) -vet=all -shuffle=on $(filter-out $(LONELY) rapport/shared/people,$(shell go list ./...))
	go test -vet=all -shuffle=on $(LONELY)
	go test -vet=all -shuffle=on ./shared/people -seeds=1000
	go test $(RACE) -vet=off -run 'TestAnyOrderAnyRepetition|TestConcurrentDeliveries' ./shared/people -seeds=5

.PHONY: check
check: format tidy lint model explore load validate template build engines smoke browser clients ## what CI checks beside the tests

.PHONY: model
model: ## hold people against a plain model of them, and many writers against one another
	GOGC=400 go test -count=1 -v -run 'TestModel|TestTwoWriters|TestThreeWriters|TestEightWriters' ./shared/people -operations=200000 -pairs=1000 -schedules=5000

.PHONY: explore
explore: ## play the way from the event to the mail in every order, with every fault
	GOGC=400 go test -count=1 ./infra/explorer -many

.PHONY: load
load: ## bring ten thousand carts and a shop's real orders through everything
	GOGC=400 go test -count=1 -v -run 'TestTenThousandCarts|TestCompleteJourney' ./infra/rapport -load

.PHONY: validate
validate: bin/rapport ## check the strategy
	bin/rapport validate infra/strategy

.PHONY: lint
lint: $(LINT) ## find mistakes that compile
	$(LINT) run ./...
	cd infra/bench && go vet ./...

.PHONY: format
format: $(LINT) ## show what is not formatted; make format FIX=1 mends it
	$(LINT) fmt $(if $(FIX),,--diff) ./...

.PHONY: tidy
tidy: ## show what go.mod lacks or has too much
	go mod tidy -diff

.PHONY: template
template: $(SAM) ## check template.yaml and what is nested in it
	$(SAM) validate --lint
	$(dir $(SAM))cfn-lint infra/stacks/*.yaml

.PHONY: build
build: $(SAM) ## build the Lambdas for deployment
	GOFLAGS="$(LAMBDA_FLAGS)" CGO_ENABLED=0 $(SAM) build --parallel

.PHONY: deploy
deploy: build ## deploy to your AWS account, asking for what it needs
	$(SAM) deploy --guided

.PHONY: engines
engines: $(DYNOXIDE) $(MOTO) ## hold what talks to AWS against two DynamoDB engines, SQS, EventBridge and SES
	DYNAMODB_ENGINES="dynoxide moto" go test -count=1 ./shared/aws/...
	DYNAMODB_ENGINES=dynoxide go test -count=1 -run 'TestPublish|TestOnDynamoDB' ./infra/rapport

.PHONY: smoke
smoke: $(DYNOXIDE) ## start every real bootstrap and send it its samples
	RAPPORT_SMOKE=1 go test -count=1 -v ./infra/smoke

.PHONY: browser
browser: bin/rapport $(BROWSER) $(CHROMIUM) $(DYNOXIDE) ## play the sample shop's story in a browser, also on DynamoDB
	npm test --prefix infra/browser
	npm run dynoxide --prefix infra/browser

.PHONY: clients
clients: bin/rapport $(CLIENTS) $(BROWSER) $(CHROMIUM) ## send events through unchanged SDKs and read them back
	npm test --prefix infra/clients

.PHONY: bench
bench: ## compare with others in one run, as ratios; sizes and starts of all functions; what AWS would bill
	cd infra/bench && go run .
	RAPPORT_SMOKE=1 go test -count=1 -v -run TestSizes ./infra/smoke
	go run ./infra/rapport cost

.PHONY: tools
tools: $(LINT) $(SAM) $(DYNOXIDE) $(MOTO) $(BROWSER) $(CLIENTS) $(CHROMIUM) ## install what check and build need

.PHONY: clean
clean: ## remove what was built; tools and local data stay
	rm -rf bin .aws-sam

.PHONY: bin/rapport
bin/rapport:
	go build -o bin/rapport ./infra/rapport

$(LINT): infra/tools/go.mod infra/tools/go.sum
	cd infra/tools && go build -trimpath -ldflags='-s -w' -o $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	touch $@

# The environment is made anew, so that nothing of an older pin stays behind.
$(SAM): infra/tools/requirements.txt
	rm -rf $(TOOLS)/venv
	python3 -m venv $(TOOLS)/venv
	$(TOOLS)/venv/bin/pip install --quiet --disable-pip-version-check --no-deps --requirement $<
	touch $@

$(MOTO): infra/engines/requirements.txt
	rm -rf $(TOOLS)/moto
	python3 -m venv $(TOOLS)/moto
	$(TOOLS)/moto/bin/pip install --quiet --disable-pip-version-check --no-deps --requirement $<
	touch $@

$(DYNOXIDE): infra/engines/package-lock.json
	npm ci --prefix infra/engines --no-audit --no-fund
	touch $@

$(BROWSER): infra/browser/package-lock.json
	npm ci --prefix infra/browser --no-audit --no-fund
	touch $@

$(CLIENTS): infra/clients/package-lock.json infra/clients/analyticsgo/go.sum
	npm ci --prefix infra/clients --no-audit --no-fund
	cd infra/clients/analyticsgo && go mod download
	touch $@

$(CHROMIUM):
	@if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
	  echo "the browser tests need $@: install Debian's package chromium (apt-get install chromium)" >&2; exit 1; fi
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends chromium
