#!/usr/bin/env bash
# Replays the recorded bpftool session of ../shared/bpftool against skep, and counts how many answers are equal.
#   test/support/bpftool-parity.sh [embedded | linux] [SECTIONS]
# SECTIONS is parity.sh's ONLY: a regex over cli map prog btf batch feature; default: those. Needs root (the recording
# makes a network namespace and mounts of its own), jq, and `npm run build`. Differences are listed, masked as recorded;
# sizes of compiled code are masked too, as another compiler makes other code.
set -eu
KERNEL=${1:-embedded}
ONLY=${2:-'^(cli|map|prog|btf|batch|feature)$'}
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
SHARED=$ROOT/../shared/bpftool
[ -d "$SHARED" ] || { echo "the recordings are not here: $SHARED" >&2; exit 2; }
WORK=$(mktemp -d)
export XDG_RUNTIME_DIR=$WORK/run SKEP_KERNEL=$KERNEL
export SKEP="node $ROOT/dist/bin/skep.js" REMOTE=$ROOT/dist/remote/index.js
mkdir -m 700 "$XDG_RUNTIME_DIR"
cp -r "$SHARED" "$WORK/bpftool"
[ "$KERNEL" = embedded ] && $SKEP kernel start
trap '[ "$KERNEL" = embedded ] && $SKEP kernel stop; rm -rf "$WORK"' EXIT

# The recording lists pinned maps with ls(1), which does not see the embedded kernel's.
ls() {
	case "$SKEP_KERNEL $1" in
	"embedded /sys/fs/bpf/"*)
		node --input-type=module -e '
			const { connectKernel, userSocket } = await import(process.argv[1]);
			const kernel = await connectKernel(userSocket());
			for (const { name } of await kernel.bpffs.list(process.argv[2]).catch(() => [])) console.log(name);
			await kernel.close();' "$REMOTE" "$1" ;;
	*) command ls "$@" ;;
	esac
}
export -f ls

cd "$WORK/bpftool"
BPFTOOL=$SKEP OBJ=$PWD/obj ONLY=$ONLY ./parity.sh "$WORK/raw" > "$WORK/log" 2>&1 || tail -3 "$WORK/log"
./normalise.py "$WORK/raw" "$WORK/normal" > /dev/null
python3 - "$WORK/normal" expected-7.8 << 'PY'
import os, re, sys
def load(folder):
    found, seen = {}, {}
    for name in sorted(os.listdir(folder), key=lambda x: int(x.split('-')[0])):
        text = open(os.path.join(folder, name)).read()
        key = name.split('-', 1)[1] + re.sub(r'<[PMLB]\d+>', '<I>', text.split('\n')[0])
        seen[key] = seen.get(key, 0) + 1
        found[key, seen[key]] = (name, text)
    return found
def mask(text):
    text = re.sub(r'<([PMLB])\d+>', r'<\1>', text)
    return re.sub(r'jited \d+B|"bytes_jited":\s*\d+', 'jited', text)
ours, theirs = load(sys.argv[1]), load(sys.argv[2])
common = [key for key in ours if key in theirs]
different = [theirs[key][0] for key in common if mask(ours[key][1]) != mask(theirs[key][1])]
print(f'{len(common) - len(different)} of {len(common)} equal')
for name in different:
    print('  differs:', name[:-4])
PY
