/**
 * Flags and sizes that the headers define as macros: BTF does not carry them, so they are written by hand.
 *
 * Names and numbers: include/uapi/linux/bpf.h, Linux 6.18. Flags that are enumerators are in generated/constants.ts.
 */

// prog_flags of BPF_PROG_LOAD
export const BPF_F_STRICT_ALIGNMENT = 1 << 0;
export const BPF_F_ANY_ALIGNMENT = 1 << 1;
export const BPF_F_TEST_RND_HI32 = 1 << 2;
export const BPF_F_TEST_STATE_FREQ = 1 << 3;
export const BPF_F_SLEEPABLE = 1 << 4;
export const BPF_F_XDP_HAS_FRAGS = 1 << 5;
export const BPF_F_XDP_DEV_BOUND_ONLY = 1 << 6;
export const BPF_F_TEST_REG_INVARIANTS = 1 << 7;

// log_level of BPF_PROG_LOAD and BPF_BTF_LOAD: bits, whose names the kernel keeps to itself (linux/bpf_verifier.h)
/** What is done, instruction by instruction. */
export const BPF_LOG_LEVEL1 = 1 << 0;
/** The same with every state. */
export const BPF_LOG_LEVEL2 = 1 << 1;
/** What it cost: time, stack. */
export const BPF_LOG_STATS = 1 << 2;
/** A text that is too long keeps its beginning. */
export const BPF_LOG_FIXED = 1 << 3;

// attach_flags of BPF_PROG_ATTACH, flags of BPF_LINK_CREATE
export const BPF_F_ALLOW_OVERRIDE = 1 << 0;
export const BPF_F_ALLOW_MULTI = 1 << 1;
export const BPF_F_REPLACE = 1 << 2;
export const BPF_F_BEFORE = 1 << 3;
export const BPF_F_AFTER = 1 << 4;
export const BPF_F_ID = 1 << 5;
export const BPF_F_PREORDER = 1 << 6;
export const BPF_F_LINK = 1 << 13;

// link_create.netfilter.flags
export const BPF_F_NETFILTER_IP_DEFRAG = 1 << 0;

// query_flags of BPF_PROG_QUERY
export const BPF_F_QUERY_EFFECTIVE = 1 << 0;

// flags of BPF_PROG_TEST_RUN
export const BPF_F_TEST_RUN_ON_CPU = 1 << 0;
export const BPF_F_TEST_XDP_LIVE_FRAMES = 1 << 1;
export const BPF_F_TEST_SKB_CHECKSUM_COMPLETE = 1 << 2;

/** Bytes of a program's or map's name, with its final zero. */
export const BPF_OBJ_NAME_LEN = 16;
/** Bytes of a program's tag. */
export const BPF_TAG_SIZE = 8;
/** Bytes of stack of one BPF function. */
export const MAX_BPF_STACK = 512;
/** Instructions that an unprivileged caller may load; the limit of the verifier's walk is in its own layer. */
export const BPF_MAXINSNS = 4096;
/** Bytes of a build id in bpf_stack_build_id. */
export const BPF_BUILD_ID_SIZE = 20;
