#!/usr/bin/env bash
# Tests docker-compose.yml as it stands there: `bash tests/compose/run.sh`. Then one end-to-end test
# on the profile `engine` alone.
#
# Gets what it needs, as root: Docker from Debian, a dockerd where none runs, the images. Leaves
# nothing running. Where it can do nothing it says so; with CI=true that is a failure.
set -euo pipefail
cd "$(dirname "$0")/../.."

cache="${AEP_FLOW_CACHE:-$PWD/.cache}"
# Apart from a stack that a person runs.
project=aep-flow-test

leave_out() {
  printf 'SKIPPED: the test of docker-compose.yml: %s\n' "$1" >&2
  [ "${CI:-}" != true ]
  exit
}

compose() {
  if docker compose version >/dev/null 2>&1; then
    docker compose --project-name "$project" "$@"
  else
    docker-compose --project-name "$project" "$@"
  fi
}

dockerd=
end() {
  if docker info >/dev/null 2>&1; then
    COMPOSE_PROFILES=engine,worker,traces,boards compose down --volumes --remove-orphans --timeout 5 \
      >/dev/null 2>&1 || true
  fi
  if [ -n "$dockerd" ]; then
    kill "$dockerd" 2>/dev/null || true
    wait "$dockerd" || true
    # It mounts the folder onto itself, and may leave it so: nobody could remove it.
    umount "$cache/docker" 2>/dev/null || true
  fi
}
trap end EXIT

if ! docker info >/dev/null 2>&1; then
  [ "$(id --user)" = 0 ] || leave_out 'Docker does not answer, and only root can start it'
  if ! { command -v dockerd && command -v docker-compose && command -v iptables; } >/dev/null; then
    command -v apt-get >/dev/null || leave_out 'no Docker here, and no apt-get to install it'
    apt-get update --quiet=2
    DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --yes --no-install-recommends \
      docker.io docker-compose iptables >/dev/null
  fi
  mkdir -p "$cache"
  dockerd --data-root "$cache/docker" >"$cache/dockerd.log" 2>&1 &
  dockerd=$!
  for _ in $(seq 60); do
    docker info >/dev/null 2>&1 && break
    kill -0 "$dockerd" 2>/dev/null || break
    sleep 0.5
  done
  docker info >/dev/null 2>&1 || {
    tail -n 20 "$cache/dockerd.log" >&2
    leave_out 'a dockerd does not start here'
  }
fi

bash tests/compose/images.sh

# The whole workspace: with other features of the same crates all would be compiled once more.
AEP_FLOW_TEST_COMPOSE=1 cargo test --workspace --locked --test e2e compose:: -- --nocapture

compose --profile engine up --detach
for _ in $(seq 120); do
  # shellcheck disable=SC2046 # an id a word
  health=$(docker inspect --format '{{.State.Health.Status}}' $(compose ps --quiet) | sort --unique)
  [ "$health" = healthy ] && break
  sleep 1
done
AEP_FLOW_TEST_ENGINE=compose cargo test --workspace --locked --test e2e chain::
