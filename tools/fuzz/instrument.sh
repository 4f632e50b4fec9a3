#!/bin/sh
# What cargo calls in place of rustc for the crates of this repository (RUSTC_WORKSPACE_WRAPPER),
# so that libFuzzer sees which of their code an input reaches. All of it is stable; the crates of
# others are taken as they are built already. A build script is no part of what is tried.
case " $* " in
*' --crate-name build_script_build '* | *' --crate-type proc-macro '* | *' --print'* | *' -vV '*)
  exec "$@" ;;
esac
exec "$@" -Cpasses=sancov-module \
  -Cllvm-args=-sanitizer-coverage-level=4 \
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
  -Cllvm-args=-sanitizer-coverage-pc-table \
  -Cllvm-args=-sanitizer-coverage-trace-compares \
  -Ccodegen-units=1
