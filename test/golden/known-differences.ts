/**
 * Where skep answers other than bpftool 7.8: the recorded invocation, and why. Those that need a kernel are compared by
 * test/support/bpftool-parity.sh, the others by bpftool-parity.test.ts; both fail too when a difference has gone.
 */
type Differences = Readonly<Record<string, string>>;

/** On purpose, whichever kernel answers. */
const EVERYWHERE: Differences = {
  ...because(
    'a pin outside a bpf file system is refused; bpftool mounts one over the folder and hides its files',
    '167-map-create-nobpffs',
    '317-map-pin-outside',
  ),
  ...because('the pin is missing that 317 did not make', '347-map-show-f.p'),
  ...because(
    'the program is missing that was to be pinned in a folder outside a bpf file system (as 317)',
    '407-prog-show-tag',
    '409-prog-show-tag.p',
    '509-xlated-name-multi',
  ),
  ...because(
    'a map without BTF shows no btf_id; bpftool repeats one that it read elsewhere',
    '319-map-show-all',
    '321-map-show-all.p',
    '323-map-list-f.j',
    '325-map-bare',
  ),
  '367-prog-load-legacy': 'map definitions of the old kind still work',
  ...because(
    'the list has the program of 367, and lacks the one that was to be pinned outside (as 317)',
    '423-prog-show-all',
    '425-prog-show-all.p',
    '427-prog-list-f.j',
    '429-prog-bare',
    '797-btf-list.j',
  ),
  ...because(
    'the list has the types of 367, and lacks those of struct_ops objects, which the holder of links here does not load',
    '693-btf-show',
    '695-btf-show.p',
  ),
  '381-prog-load-kbtf-bad': 'says in a sentence why the file is no BTF, instead of -4001',
  ...because(
    "a function's blocks carry its own source lines; bpftool shows those of the first function",
    '467-xlated-visual-p_tc_main',
    '469-xlated-visual-linum-p_tc_main',
  ),
  '613-profile.j':
    "'prog profile' says that it is not built; bpftool's own program is refused here (fentry takes more than this root has)",
  ...because(
    'the flow dissector is an object in its list; what bpftool prints is no JSON',
    '629-net-flowdis.p',
    '687-net-show-links.j',
  ),
  ...because(
    'showing a link exits with 0; bpftool takes the status from an older error',
    '639-link-show-xdp.j',
    '641-link-show-tcx',
    '643-link-show-tcx.p',
    '645-link-show-raw_tracepoint.j',
    '651-link-show-cgroup.j',
    '671-link-show-defunct',
    '659-link-show-iter',
    '661-link-show-iter.p',
  ),
  '665-link-show-f':
    'exits with 0, as 639; pins are shown in the order of their names, in bpftool by the order of its hash table',
  '863-btf-base-bad': "says in a sentence why the file is no BTF, instead of libbpf's error number -4001",
  '967-probe-unpriv.j': 'no capabilities are dropped for a probe: whoever wants that runs it as an ordinary user',
  ...because(
    'a batch whose lines all succeed exits with 0; bpftool reports a descriptor it closed twice',
    '987-batch-cont.j',
    '989-batch-stdin',
  ),
};

/** Only with the machine's Linux. */
const ON_LINUX: Differences = {
  '697-sops-show-link.j': 'the holder of links here registers no structure of functions',
  '311-map-update-frozen': "a second line says what is in the way where bpftool's words are 'Operation not permitted'",
  '383-prog-load-lsm': "libbpf's hint about ulimit -l is not given: the limit has had no part in this since Linux 5.11",
  ...because(
    'machine code of a processor is shown as bytes: skep has no disassembler for it',
    '449-jited-p_xdp_count',
    '451-jited-p_xdp_count.p',
    '453-jited-opc-p_xdp_count.j',
    '455-jited-linum-p_xdp_count',
    '473-jited-p_tc_main.j',
    '475-jited-opc-p_tc_main',
    '477-jited-opc-p_tc_main.p',
    '495-jited-nobtf',
    '497-jited-nobtf.p',
    '499-jited-opc-nobtf.j',
    '501-jited-linum-nobtf',
  ),
  ...because(
    'exits with 0, as 639',
    '647-link-show-uprobe_multi',
    '649-link-show-uprobe_multi.p',
    '653-link-show-netns',
    '655-link-show-netns.p',
    '657-link-show-netfilter.j',
  ),
};

/** Instructions are translated for another kernel: the runner checks that prototypes and source lines are the same. */
export const REWRITTEN =
  'the embedded kernel rewrites programs for itself: contexts lie as user space sees them, lookups are not inlined';

/** Only with the embedded kernel. */
const ON_EMBEDDED: Differences = {
  '697-sops-show-link.j': 'the embedded kernel has no structures of functions: struct_ops maps are not made there',
  '383-prog-load-lsm': 'the embedded kernel has no LSM hooks, and says so in its log',
  ...because('no device of the embedded kernel has metadata', '387-prog-load-xdpmeta', '389-prog-show-xdpmeta.p'),
  ...because(
    REWRITTEN,
    '435-xlated-p_xdp_count.j',
    '437-xlated-opc-p_xdp_count',
    '439-xlated-opc-p_xdp_count.p',
    '441-xlated-linum-p_xdp_count.j',
    '443-xlated-both-p_xdp_count',
    '457-xlated-p_tc_main',
    '459-xlated-p_tc_main.p',
    '461-xlated-opc-p_tc_main.j',
    '463-xlated-linum-p_tc_main',
    '465-xlated-linum-p_tc_main.p',
    '481-xlated-nobtf.j',
    '483-xlated-opc-nobtf',
    '485-xlated-opc-nobtf.p',
    '487-xlated-linum-nobtf.j',
    '489-xlated-both-nobtf',
    '507-xlated-core',
  ),
  ...because(
    'the graph has instructions that the embedded kernel rewrote for itself, and none of inlined lookups',
    '445-xlated-visual-opc-p_xdp_count',
    '491-xlated-visual-opc-nobtf',
  ),
  ...because(
    'the compiled code is WebAssembly, and shown as that',
    '449-jited-p_xdp_count',
    '451-jited-p_xdp_count.p',
    '453-jited-opc-p_xdp_count.j',
    '455-jited-linum-p_xdp_count',
    '473-jited-p_tc_main.j',
    '475-jited-opc-p_tc_main',
    '477-jited-opc-p_tc_main.p',
    '495-jited-nobtf',
    '497-jited-nobtf.p',
    '499-jited-opc-nobtf.j',
    '501-jited-linum-nobtf',
  ),
  '533-run-notest': 'programs of this type cannot be test-run here yet',
  '603-event-pipe-j':
    "Linux fills an event's data up to a multiple of 8 bytes less 4; here it has the bytes that were sent",
  '699-link-show-after': 'the tracepoint that the object of 383 attaches to (oom_score_adj_update) is not there',
  '609-tracelog-stderr': 'the program is not there: the embedded kernel has no program streams',
  ...because(
    'there are no sockets in the embedded kernel, so nothing attaches to a map of them',
    '617-attach-parser',
    '625-detach-verdict',
  ),
  ...because(
    'a clock that samples is the software event it was asked for; Linux 6.18 shows the number that it gave it at boot',
    '631-link-show',
    '633-link-show.p',
    '635-link-list-f.j',
    '637-link-bare',
  ),
  '627-net-flowdis': 'the embedded kernel has no flow dissector',
  '739-cg-show-notcg': 'the embedded kernel has a cgroup file system and nothing beside it: /tmp is not there',
  ...because(
    'the embedded kernel has tcx, not the filters of tc(8) on clsact',
    '773-net-show-all.j',
    '775-net-show-dev',
    '777-net-show-dev.p',
    '779-net-bare',
  ),
  ...because(
    'what the embedded kernel offers is its own: settings, program types, helpers',
    '955-probe.j',
    '957-probe-kernel',
    '959-probe-hostnet',
    '961-probe-full',
    '963-probe-macros',
    '965-probe-macros-j',
  ),
  ...because(
    "the recording's mount with delegations is one of the machine's file systems, which this kernel does not have",
    '975-token-show.j',
    '977-token-list',
  ),
};

/** `reason` for each of the invocations. */
function because(reason: string, ...invocations: readonly string[]): Differences {
  return Object.fromEntries(invocations.map((invocation) => [invocation, reason]));
}

/** With one kernel, or of the commands that need none. */
export function differencesOf(kernel: 'linux' | 'embedded' | 'none'): Differences {
  const own = { linux: ON_LINUX, embedded: ON_EMBEDDED, none: {} }[kernel];
  return { ...EVERYWHERE, ...own };
}
