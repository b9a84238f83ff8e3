#!/usr/bin/env bash
# Debian packages that the oracle tests and the examples' Makefile use: a compiler for BPF, bpftool, libbpf's headers,
# strace as a peer in the bench. Nothing in the package needs them. Run as root.
set -eu
want="clang-19 llvm-19 bpftool libbpf-dev strace tcpdump util-linux"
missing=""
for p in $want; do dpkg -s "$p" >/dev/null 2>&1 || missing="$missing $p"; done
[ -z "$missing" ] && exit 0
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# One by one: what a release lacks must not keep the rest from being installed.
for p in $missing; do apt-get install -y -qq "$p" >/dev/null || echo "setup: no package $p here; tests that want it skip" >&2; done
