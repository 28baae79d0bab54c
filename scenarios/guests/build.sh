#!/usr/bin/env bash
# Builds every guest program into built/ and writes built/manifest.toml:
#
#     scenarios/guests/build.sh            rebuild all
#     scenarios/guests/build.sh --check    rebuild in a temporary folder and compare the bytes
#
# --check ends with one line: PASSED, FAILED (exit code 1), or SKIPPED and why, when there is no
# compiler for Wasm or another one than the manifest names. Nothing is installed by this script.
#
# The sources are in programs/, a workspace of its own. built/ lies beside it and not in it, because
# cargo leaves every folder with a manifest of its own out of a package.
#
# A digest of sources is sha256 over the lines that `sha256sum` prints for the files of the program
# and of what all programs share, in the order of their paths' bytes;
# ../tests/cli/guests_are_built.rs computes the same.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "${BASH_SOURCE[0]}")/programs"
here=$(pwd -P)
built=../built

target=wasm32-wasip1
shared=(../build.sh Cargo.lock Cargo.toml process wit)
packages=(rustc-web rust-web-src lld-22 wasi-libc)
link=(-zstack-size=32768 --initial-memory=131072)

programs() { grep -l cdylib ./*/Cargo.toml | cut -d/ -f2; }

sources_digest() {
    find "${shared[@]}" "$1" -type f \
        \( -name '*.rs' -o -name '*.toml' -o -name '*.lock' -o -name '*.wit' -o -name '*.sh' \) |
        sort | xargs -d '\n' sha256sum | digest
}

digest() { sha256sum "$@" | cut -d' ' -f1; }

# Debian's compiler makes the committed bytes; a user's own one with the target will do to work on a
# guest. Sets rustc, flags (without those that name folders), build_std and toolchain.
find_compiler() {
    local libc=/usr/lib/wasm32-wasi lld=/usr/bin/wasm-ld-22
    rustc=/usr/bin/rustc
    flags=()
    for arg in "${link[@]}"; do flags+=("-Clink-arg=$arg"); done
    if [[ -x $rustc && -x $lld && -f $libc/libc.a ]] &&
        [[ -d $($rustc --print sysroot)/lib/rustlib/src/rust/library/std ]]; then
        flags+=("-Clinker=$lld" -Clinker-flavor=wasm-ld -Clink-self-contained=no "-Lnative=$libc")
        build_std=(-Zbuild-std=std,panic_abort)
        toolchain="$($rustc -V), $(cargo -V), $($lld --version | head -n 1)"
        toolchain+=", $(dpkg-query -W -f '${Package} ${Version}' wasi-libc)"
    elif rustc=$(command -v rustc) &&
        [[ -d $($rustc --print target-libdir --target $target 2>/dev/null) ]]; then
        build_std=()
        toolchain="$($rustc -V), $(cargo -V), its own $target"
    else
        return 1
    fi
}

# build_into FOLDER TARGET_FOLDER
build_into() {
    local out=$1 target_dir=$2 remap=() folder program
    cargo fetch --quiet --locked
    remap+=("--remap-path-prefix=$here=guests")
    remap+=("--remap-path-prefix=$("$rustc" --print sysroot)/lib/rustlib/src/rust=rust")
    for folder in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
        remap+=("--remap-path-prefix=$folder=registry")
    done
    export RUSTC=$rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=$target_dir
    (
        IFS=$'\x1f'
        export CARGO_ENCODED_RUSTFLAGS="${flags[*]}"$'\x1f'"${remap[*]}"
        unset IFS
        cargo build --locked --release --target $target "${build_std[@]}" --workspace
    )
    for program in $(programs); do
        cp "$target_dir/$target/release/$program.wasm" "$out/"
    done
    chmod 644 "$out"/*.wasm
    manifest "$out" >"$out/manifest.toml"
}

quoted() { printf '"%s", ' "$@" | sed 's/, $//'; }

manifest() {
    local program
    echo "# Written by build.sh."
    echo "toolchain = \"$toolchain\""
    echo "target = \"$target\""
    echo "flags = [$(quoted "${flags[@]}" "${build_std[@]}")]"
    echo "shared = [$(quoted "${shared[@]}")]"
    for program in $(programs); do
        printf '\n[programs.%s]\n' "$program"
        echo "sources = \"$(sources_digest "$program")\""
        echo "outputs.\"$program.wasm\" = \"$(digest "$1/$program.wasm")\""
    done
}

case ${1-} in
--check)
    if ! find_compiler; then
        echo "SKIPPED: no Rust compiler for Wasm (apt-get install --no-install-recommends ${packages[*]})"
        exit 0
    fi
    if ! grep -qxF "toolchain = \"$toolchain\"" $built/manifest.toml; then
        echo "SKIPPED: built/manifest.toml names another compiler than $toolchain"
        exit 0
    fi
    fresh=$(mktemp -d)
    trap 'rm -rf "$fresh"' EXIT
    mkdir "$fresh/built"
    build_into "$fresh/built" "$fresh/target"
    if diff -r $built "$fresh/built"; then
        echo "PASSED: built/ is what build.sh makes of the sources"
    else
        echo "FAILED: built/ is not what build.sh makes of the sources"
        exit 1
    fi
    ;;
"")
    if ! find_compiler; then
        echo "There is no Rust compiler for Wasm here. On Debian:" >&2
        echo "    apt-get install --no-install-recommends ${packages[*]}" >&2
        echo "Elsewhere: rustup target add $target (the bytes will differ from the committed ones)." >&2
        exit 1
    fi
    out=$(mktemp -d)
    trap 'rm -rf "$out"' EXIT
    build_into "$out" "$here/target"
    mkdir -p $built
    rm -f $built/*.wasm
    cp "$out"/* $built/
    ;;
*)
    sed -n '2,8s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
