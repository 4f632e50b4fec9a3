#!/usr/bin/env bash
# CPU, memory, events and actions of a one-table pipeline, beside a bare worker that makes
# the same calls with nothing of ours in it, in one run.
#
#   tools/bench/pipelines.sh --rounds 3
#   tools/bench/pipelines.sh --rounds 5 --traced 0.1    what tracing costs
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo build --profile dist --quiet --package aep-flow --package aep-emulator --package aep-flow-bench
exec target/dist/pipelines "$@"
