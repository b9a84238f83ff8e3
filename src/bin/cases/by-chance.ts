/**
 * Recorded results that no kernel gives twice: what the program answers hangs on an address of the machine that
 * recorded it, on bytes of its stack that nothing wrote, or on what was in a map that the case does not have. Linux
 * itself answers them differently from run to run (`skep cases --kernel linux --compare`).
 *
 * They count as disagreements all the same; this says, by the case's id, why there is one.
 */
const CONTEXT_ADDRESS = 'the answer is the low half of an address: that of the context';
const PROGRAM_OF_ARRAY = 'tail-calls a program that was in the prog array of the recording; the case has an empty one';

export const BY_CHANCE: Readonly<Record<string, string>> = {
  'selftests_progs-2768': CONTEXT_ADDRESS,
  'selftests_progs-2773': `${CONTEXT_ADDRESS}, with 0xcafe written into it`,
  'selftests_progs-2774': CONTEXT_ADDRESS,
  'test_verifier-144': CONTEXT_ADDRESS,
  'test_verifier-540': 'the answer is what was on the stack at r10-8 before',
  'test_verifier-697':
    "(packet address - 1) >> 49, which is 0x7fff of Linux's addresses and 0 of addresses with 32 bits",
  'test_verifier-1033': PROGRAM_OF_ARRAY,
  'test_verifier-1034': PROGRAM_OF_ARRAY,
  'test_verifier-1035': PROGRAM_OF_ARRAY,
  'test_verifier-1036': PROGRAM_OF_ARRAY,
  'test_verifier-1037': PROGRAM_OF_ARRAY,
  'test_verifier-1045': 'the answer is the low half of an address: that of the stack',
  'fuzz-20261122-308': 'writes into the packet what was on the stack at r10-16 before',
  'fuzz-20261122-1025': 'xors the address of the context into a map value',
  'fuzz-20261122-1310': 'looks up what was on the stack at r10-12 before',
  'fuzz-20261122-1374': 'looks up what was on the stack at r10-16 before',
};
