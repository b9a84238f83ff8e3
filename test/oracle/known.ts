/**
 * Where the embedded kernel is known to answer otherwise than Linux, by class of disagreement (classOf), with the
 * reason. Programs of these classes are counted by the oracle and do not fail its tests.
 */
export const KNOWN: readonly { class: RegExp; why: string }[] = [
  {
    class: /^wrongly accepted: .*No program to jit/,
    why: 'Linux loses a function that only dead code takes the address of, and calls that a bug of its own',
  },
  {
    class: /^(states|processed) with callbacks$/,
    why: 'pruning inside callbacks of bpf_loop and bpf_for_each_map_elem',
  },
  {
    class: /^processed without callbacks$/,
    why: 'pruning of packet pointers that a strict comparison with data_end proved nothing about, and of loops',
  },
  {
    class: /value N makes map_value pointer be out of bounds|^wrongly rejected: ours 'R min value is negative/,
    why: 'a register compared with itself leaves another range',
  },
];
