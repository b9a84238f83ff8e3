/** Where skep answers other than bpftool 7.8 on purpose: the recorded invocation, and why. */
export const KNOWN_DIFFERENCES: Readonly<Record<string, string>> = {
  '863-btf-base-bad': "says in a sentence why the file is no BTF, instead of libbpf's error number -4001",
};
