#!/usr/bin/env bash
#
# Builds the native library for Android's processors into src/main/jniLibs, and
# checks that it suits devices with pages of 16 KB.
#
#   bindings/kotlin/android/build-native.sh
#
# Needs the Android NDK (ANDROID_NDK_HOME), cargo-ndk (`cargo install cargo-ndk`),
# and the targets (`rustup target add aarch64-linux-android armv7-linux-androideabi
# x86_64-linux-android`). NOT VERIFIED on the project's own machines, which have no NDK.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
libraries=bindings/kotlin/android/src/main/jniLibs

: "${ANDROID_NDK_HOME:?name the Android NDK in ANDROID_NDK_HOME}"
cargo ndk --version >/dev/null || {
    echo 'cargo-ndk is missing; install it with `cargo install cargo-ndk`' >&2
    exit 1
}

# NDKs from 28 on align so by default, older ones when they are told.
export RUSTFLAGS="${RUSTFLAGS:-} -C link-arg=-Wl,-z,max-page-size=16384"
cargo ndk --platform 26 --output-dir "$libraries" \
    --target arm64-v8a --target armeabi-v7a --target x86_64 \
    rustc --profile dist --package wildthing --lib --no-default-features --crate-type cdylib

# Devices of 32 bits have small pages; the others must be aligned.
cargo xtask aligned "$libraries"/arm64-v8a/libwildthing.so "$libraries"/x86_64/libwildthing.so
