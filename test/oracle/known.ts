/**
 * Where the embedded kernel is known to answer otherwise than Linux, by class of disagreement (classOf), with the
 * reason. Programs of these classes are counted by the oracle and do not fail its tests; the kept program that shows a
 * class must go on showing it, so a row goes when its reason does.
 */
export const KNOWN: readonly { class: RegExp; kept: string; why: string }[] = [
  {
    class: /^message: ours 'verifier bug: No program to jit at insn N .*Linux 'verifier bug: No program to jit/,
    kept: 'message-200146.jsonl',
    why: 'the number is the length of the program with what Linux built in, which is not rebuilt here for a refusal',
  },
];
