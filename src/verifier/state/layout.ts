/**
 * How what is known about a register or stack slot lies in typed-array lanes.
 *
 * One record is LANES lanes of 32 bits. The first twelve are six 64-bit numbers, also reachable through 64-bit views.
 * A frame is eleven records for r0..r10, followed by one for each 8-byte stack slot, deepest last: slot n covers
 * fp-8(n+1) .. fp-8n-1. After the records come the kinds of the slots' bytes, two lanes a slot: that is all that most
 * comparisons look at.
 */
export const LANES = 26;
export const LANES64 = 13;

// 64-bit lanes.
export const VALUE = 0;
export const MASK = 1;
export const SMIN = 2;
export const SMAX = 3;
export const UMIN = 4;
export const UMAX = 5;

// 32-bit lanes.
export const S32MIN = 12;
export const S32MAX = 13;
export const U32MIN = 14;
export const U32MAX = 15;
export const TYPE = 16;
export const OFF = 17;
/** Packet: proven bytes. Map types: index of the map. MEM: size. BTF: type id. FUNC: subprogram. DYNPTR: kind. */
export const AUX = 18;
/** Map: identity of the inner map it came from. BTF: which BTF. DYNPTR: 1 for the first slot. */
export const AUX2 = 19;
/** Iterators: state and depth. */
export const AUX3 = 20;
/** Lanes below this one are compared bit by bit where states must be exact. */
export const EXACT_LANES = 21;
export const ID = 21;
export const REF_ID = 22;
export const FRAMENO = 23;
export const SUBREG_DEF = 24;
export const PRECISE = 25;
/** The kinds of a slot's eight bytes, four a lane. */
export const KIND_LANES = 2;

export const REGS = 11;
/** 8-byte slots of the 512-byte stack. */
export const SLOTS = 64;
