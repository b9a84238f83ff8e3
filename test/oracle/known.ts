/**
 * Where the embedded kernel is known to answer otherwise than Linux, by class of disagreement (classOf), with the
 * reason. Programs of these classes are counted by the oracle and do not fail its tests.
 */
export const KNOWN: readonly { class: RegExp; why: string }[] = [
  {
    class: /^wrongly accepted: .*No program to jit/,
    why: 'Linux loses a function that only dead code takes the address of, and calls that a bug of its own',
  },
  { class: /^(states|processed)$/, why: 'pruning inside callbacks of bpf_loop and bpf_for_each_map_elem' },
];
