/**
 * Where skep answers other than bpftool 7.8: the recorded invocation, and why. Those that need a kernel are compared by
 * test/support/bpftool-parity.sh, the others by bpftool-parity.test.ts; both fail too when a difference has gone.
 */
type Differences = Readonly<Record<string, string>>;

/** On purpose, whichever kernel answers. */
export const KNOWN_DIFFERENCES: Differences = {
  '167-map-create-nobpffs':
    'a pin outside a bpf file system is refused; bpftool mounts one over the folder and hides its files',
  '317-map-pin-outside': 'as 167',
  '319-map-show-all': 'a map without BTF shows no btf_id; bpftool repeats one that it read elsewhere',
  '321-map-show-all.p': 'as 319',
  '323-map-list-f.j': 'as 319',
  '325-map-bare': 'as 319',
  '367-prog-load-legacy': 'map definitions of the old kind still work',
  '377-prog-load-map-mismatch': 'a map that does not fit is refused before the verifier has to find out',
  '381-prog-load-kbtf-bad': 'says in a sentence why the file is no BTF, instead of -4001',
  '467-xlated-visual-p_tc_main':
    "a function's blocks carry its own source lines; bpftool shows those of the first function",
  '469-xlated-visual-linum-p_tc_main': 'as 467',
  '639-link-show-xdp.j': 'showing a link exits with 0; bpftool takes the status from an older error',
  '863-btf-base-bad': "says in a sentence why the file is no BTF, instead of libbpf's error number -4001",
  '987-batch-cont.j': 'a batch whose lines all succeed exits with 0; bpftool reports a descriptor it closed twice',
  '989-batch-stdin': 'as 987',
};

/** Only with the machine's Linux. */
const ON_LINUX: Differences = {};

/** Only with the embedded kernel. */
const ON_EMBEDDED: Differences = {};

export function differencesOf(kernel: string): Differences {
  return { ...KNOWN_DIFFERENCES, ...(kernel === 'linux' ? ON_LINUX : ON_EMBEDDED) };
}
