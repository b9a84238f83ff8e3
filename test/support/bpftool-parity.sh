#!/usr/bin/env bash
# Replays the recorded bpftool session of ../shared/bpftool against skep and compares every answer.
#   test/support/bpftool-parity.sh [embedded | linux] [SECTIONS]
# SECTIONS is parity.sh's ONLY: a regex over cli map prog link|perf cgroup net btf feature token batch; default: all
# that the kernel has, and then docs/figures.md gets the counts. Needs root (the recording makes a network namespace,
# a cgroup and mounts of its own), jq, and `npm run build`. KEEP=1 leaves the raw and normalised sessions.
# Exit status 1: something differs that test/golden/known-differences.ts does not explain, or no longer differs.
set -eu
KERNEL=${1:-embedded}
ALL='^(cli|map|prog|link[|]perf|cgroup|net|btf|feature|token|batch)$'
ONLY=${2:-$ALL}
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
SHARED=$ROOT/../shared/bpftool
[ -d "$SHARED" ] || { echo "the recordings are not here: $SHARED" >&2; exit 2; }
WORK=$(mktemp -d)
export XDG_RUNTIME_DIR=$WORK/run SKEP_KERNEL=$KERNEL
export SKEP="node $ROOT/dist/bin/skep.js" SKEP_DIST=$ROOT/dist
mkdir -m 700 "$XDG_RUNTIME_DIR"
cp -r "$SHARED" "$WORK/bpftool"

# The links are held by a program of ours: Node under another name, whose first argument is a folder to run.
OBJ=$WORK/bpftool/obj
cp "$(readlink -f "$(command -v node)")" "$OBJ/holder"
cp "$ROOT/test/support/golden-holder.mjs" "$OBJ/index.mjs"
echo '{ "main": "index.mjs" }' > "$OBJ/package.json"

HOST=
finish() {
	[ -z "$HOST" ] || kill "$HOST" 2> /dev/null || true
	[ -n "${KEEP:-}" ] && echo "kept: $WORK" || rm -rf "$WORK"
}
trap finish EXIT
if [ "$KERNEL" = embedded ]; then
	CGROUPS=$(awk '$3=="cgroup2"{print $2; exit}' /proc/mounts)
	node "$ROOT/test/support/golden-host.mjs" "$SKEP_DIST" "$CGROUPS/bptpar" &
	HOST=$!
	for _ in $(seq 50); do $SKEP kernel status > /dev/null 2>&1 && break; sleep 0.1; done
fi

# The recording lists pinned maps with ls(1), which does not see the embedded kernel's.
ls() {
	case "$SKEP_KERNEL $1" in
	"embedded /sys/fs/bpf/"*)
		node --input-type=module -e '
			const { connectKernel, userSocket } = await import(process.argv[1]);
			const kernel = await connectKernel(userSocket());
			for (const { name } of await kernel.bpffs.list(process.argv[2]).catch(() => [])) console.log(name);
			await kernel.close();' "$SKEP_DIST/remote/index.js" "$1" ;;
	*) command ls "$@" ;;
	esac
}
export -f ls

cd "$WORK/bpftool"
BPFTOOL=$SKEP OBJ=$OBJ ONLY=$ONLY ./parity.sh "$WORK/raw" > "$WORK/log" 2>&1 || tail -3 "$WORK/log"
./normalise.py "$WORK/raw" "$WORK/normal" > /dev/null
cd "$ROOT"
[ "$ONLY" = "$ALL" ] && FIGURES=--figures || FIGURES=
npx tsx "$ROOT/test/support/golden-parity.mjs" "$KERNEL" "$WORK/normal" "$SHARED/expected-7.8" $FIGURES
