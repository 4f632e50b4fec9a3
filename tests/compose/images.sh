#!/usr/bin/env bash
# Brings the images of docker-compose.yml and Dockerfile onto this machine, those of the profiles
# `traces` and `boards` apart: pulled where that is possible. Where it is not, a stand-in is built
# under the same name from what the package registries have, so that both files can be tried there
# as they are: the same version, but for Prometheus, which is Debian's.
#
# Ours are built by Dockerfile. With AEP_FLOW_PROGRAMS=FOLDER they are made of the programs that
# are compiled in that folder, by Dockerfile's last two stages.
#
# Needs root, Docker and Go. What is built is kept in $AEP_FLOW_CACHE (.cache here).
set -euo pipefail
cd "$(dirname "$0")/../.."

cache="${AEP_FLOW_CACHE:-$PWD/.cache}/images"
mkdir -p "$cache"

say() { printf 'images: %s\n' "$*" >&2; }

# The name with its tag, as the two files have it.
named() { grep --no-filename --only-matching "$1:[^ ]*" docker-compose.yml Dockerfile | head -n 1; }

is_here() { docker image inspect "$1" >/dev/null 2>&1; }

# An empty folder that becomes an image's root.
new_root() {
  rm -rf "$cache/root"
  mkdir -p "$cache/root/bin" "$cache/root/etc"
}

# Puts a program where its image has it, and the libraries that it is linked with.
add() {
  install -D "$1" "$cache/root/$2"
  { ldd "$1" 2>/dev/null || true; } | { grep --only-matching '/lib[^ ]*' || true; } |
    xargs --no-run-if-empty cp --parents --dereference --target-directory "$cache/root"
}

# The image's user, and the folder that is theirs to write; a volume there inherits that.
add_user() { # name, number, folder
  install --directory --owner "$2" --group "$2" "$cache/root/$3"
  echo "$1:x:$2:$2::/$3:/bin/false" >"$cache/root/etc/passwd"
}

# Makes the image; further arguments are lines of a Dockerfile.
import() {
  local name=$1 changes=()
  shift
  for line in "$@"; do changes+=(--change "$line"); done
  tar --create --directory "$cache/root" . | docker import "${changes[@]}" - "$name" >/dev/null
  rm -rf "$cache/root"
}

go_program() { # module path, version
  [ -x "$cache/${1##*/}-$2" ] && return
  GOBIN="$cache/bin" CGO_ENABLED=0 go install "$1@v$2"
  mv "$cache/bin/${1##*/}" "$cache/${1##*/}-$2"
}

temporal() {
  local version=${1#*:} program=
  # The one that the demo and the tests have fetched or found, if it is of that version.
  for program in "$cache/../temporal-v$version" "$(command -v temporal || true)" \
    "$(go env GOPATH)/bin/temporal" ''; do
    { go version -m "$program" 2>/dev/null || true; } |
      grep --quiet "temporalio/cli[[:space:]]*v$version[[:space:]]" && break
  done
  if [ -z "$program" ]; then
    go_program github.com/temporalio/cli/cmd/temporal "$version"
    program="$cache/temporal-$version"
  fi
  new_root
  add "$program" bin/temporal
  add_user temporal 1000 home/temporal
  import "$1" 'USER temporal' 'ENV PATH=/bin' 'ENTRYPOINT ["temporal"]'
}

collector() {
  local version=${1#*:}
  grep --quiet "otlpreceiver v$version\$" tests/collector/components.yaml || {
    say "tests/collector/components.yaml is not of version $version"
    return 1
  }
  new_root
  add "$(bash tests/collector/build.sh)" otelcol
  import "$1" 'USER 10001:10001' 'ENTRYPOINT ["/otelcol"]'
}

prometheus() {
  local package="$cache/prometheus"
  if [ ! -x "$package/usr/bin/prometheus" ]; then
    rm -rf "$package"
    mkdir -p "$package"
    apt-get update --quiet=2
    # Into a folder of root's.
    (cd "$package" && apt-get --option APT::Sandbox::User=root download --quiet=2 prometheus)
    dpkg-deb --extract "$package"/*.deb "$package"
  fi
  new_root
  add "$package/usr/bin/prometheus" bin/prometheus
  add "$package/usr/bin/promtool" bin/promtool
  add_user nobody 65534 prometheus
  import "$1" 'USER nobody' 'ENV PATH=/bin' 'WORKDIR /prometheus' \
    'ENTRYPOINT ["/bin/prometheus"]'
}

# Debian with a C compiler, and this machine's Rust.
rust() {
  local tree="$cache/rust" version=${1#*:}
  version=${version%%-*}
  local toolchain
  toolchain=$(rustc "+$version" --print sysroot 2>/dev/null || rustc --print sysroot)
  "$toolchain/bin/rustc" --version | grep --quiet " $version " || {
    say "this machine's Rust is not $version, which Dockerfile names"
    return 1
  }
  if [ ! -e "$tree/usr/local/bin/rustc" ]; then
    rm -rf "$tree"
    command -v debootstrap >/dev/null || apt-get install --quiet=2 --yes debootstrap >/dev/null
    debootstrap --variant=minbase --include=ca-certificates,gcc,libc6-dev bookworm "$tree" \
      >"$cache/debootstrap.log"
    cp --archive "$toolchain/bin" "$toolchain/lib" "$tree/usr/local/"
  fi
  # An authority that this machine trusts may stand before the registry.
  cp /etc/ssl/certs/ca-certificates.crt "$tree/etc/ssl/certs/"
  tar --create --directory "$tree" --exclude=./dev --exclude=./var/cache --exclude=./usr/share . |
    docker import --change 'ENV CARGO_HOME=/usr/local/cargo' \
      --change 'ENV PATH=/usr/local/cargo/bin:/usr/local/bin:/usr/bin:/bin' - "$1" >/dev/null
}

parts='temporalio/temporal:temporal otel/opentelemetry-collector:collector prom/prometheus:prometheus'
[ -n "${AEP_FLOW_PROGRAMS:-}" ] || parts="$parts rust:rust"
for part in $parts; do
  image=$(named "${part%:*}")
  if is_here "$image"; then
    say "$image is here"
  elif docker pull --quiet "$image" >/dev/null 2>&1; then
    say "$image was pulled"
  else
    say "$image can't be pulled: a stand-in is built ($SECONDS s)"
    "${part#*:}" "$image"
  fi
done

# What Dockerfile's first stage leaves, of programs that are compiled already.
compiled() { # name
  new_root
  mkdir "$cache/root/programs"
  cp "$AEP_FLOW_PROGRAMS"/aep-flow "$AEP_FLOW_PROGRAMS"/aep-emulator "$cache/root/programs/"
  sh deploy/image/common.sh "$cache/root/common" "$cache"/root/programs/*
  import "$1"
}

# The Dockerfile of ours, and the folder that it is built in.
dockerfile=Dockerfile
if [ -n "${AEP_FLOW_PROGRAMS:-}" ]; then
  compiled aep-flow-compiled
  dockerfile="$cache/Dockerfile"
  awk '/^FROM scratch/ { last = 1 } last' Dockerfile |
    sed 's/--from=build /--from=aep-flow-compiled /' >"$dockerfile"
fi
# Always anew: what did not change is in Docker's own cache.
for target in worker emulator; do
  image=$(named "aep-flow-$target")
  say "$image is built ($SECONDS s)"
  docker build --quiet --file "$dockerfile" --target "$target" --tag "$image" . >/dev/null
  # What is compiled for CI is not made small.
  docker image inspect --format '{{.Size}}' "$image" |
    awk -v image="$image" -v compiled="${AEP_FLOW_PROGRAMS:-}" '{
      printf "images: %s has %.1f MB\n", image, $1 / 1e6
      exit $1 > 60e6 && !compiled
    }' >&2
done
say "all are here ($SECONDS s)"
