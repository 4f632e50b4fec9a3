# What CI runs, word for word.
check:
    bash .ci/run

# The whole job on this machine.
demo:
    cargo run --release -- demo

# One kind of test, or one test.
test *args:
    cargo test --workspace {{args}}

# CPU, memory, events and actions of a pipeline, beside a bare worker.
pipelines *args:
    bash tools/bench/pipelines.sh {{args}}
