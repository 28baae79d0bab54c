#!/bin/bash -eu
# Builds every target of fuzz/, each with its corpus as seeds.
cargo fuzz build -O
for target in fuzz/fuzz_targets/*.rs; do
    name=$(basename "$target" .rs)
    cp "fuzz/target/x86_64-unknown-linux-gnu/release/$name" "$OUT/"
    zip -jqr "$OUT/${name}_seed_corpus.zip" "fuzz/corpus/$name"
done
