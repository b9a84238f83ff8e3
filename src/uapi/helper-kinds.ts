/**
 * Kinds of arguments and of answers of helpers. Names mirror the kernel's ARG_* and RET_* (include/linux/bpf.h); what
 * follows a colon is a parameter: a structure of the kernel's BTF, a number of bytes, a kind of dynptr.
 */

export type ArgKind =
  /** Any initialised register. */
  | 'anything'
  /** The context as the program got it; `_or_null` also the number 0. */
  | 'ctx'
  | 'ctx_or_null'
  | 'const_map_ptr'
  /** Memory of the key's or value's size of the map among the arguments; `uninit_` is written by the helper. */
  | 'map_key'
  | 'map_value'
  | 'uninit_map_value'
  | 'map_value_or_null'
  /**
   * Memory whose size is the next argument. `mem` is read; `write_mem` is read and written; `uninit_mem` is written
   * and need not be initialised before.
   */
  | 'mem'
  | 'mem_or_null'
  | 'write_mem'
  | 'write_mem_or_null'
  | 'uninit_mem'
  /** Memory of so many bytes. What is written (`write_`, `uninit_`) must be aligned to its size. */
  | `fixed_mem:${number}`
  | `write_fixed_mem:${number}`
  | `uninit_fixed_mem:${number}`
  /** The size of the memory before it; `_or_zero` may be 0. `const_alloc_` sizes what is answered, and must be known. */
  | 'const_size'
  | 'const_size_or_zero'
  | 'const_alloc_size_or_zero'
  /** A zero-terminated string in a frozen read-only map. */
  | 'const_str'
  /** A function of the program, and a stack pointer to hand to it. */
  | 'func'
  | 'stack_or_null'
  /** Fields of a map value that the kernel keeps: bpf_spin_lock, bpf_timer, a kptr. */
  | 'spin_lock'
  | 'timer'
  | 'kptr_xchg_dest'
  /** A reference that is handed over: the object, or 0. */
  | 'kptr_or_null_release'
  /** bpf_sock_common, bpf_sock, bpf_tcp_sock or xdp_sock as contexts and helpers give them. */
  | 'sock_common'
  | 'socket_or_null'
  /** As sock_common, or a BTF pointer to such a socket; `_release` gives the reference back. */
  | 'btf_id_sock_common'
  | 'btf_id_sock_common_or_null'
  | 'btf_id_sock_common_release'
  /** A BTF pointer to the named structure. */
  | `btf_id:${string}`
  | `btf_id_or_null:${string}`
  /** A per-CPU variable of the kernel. */
  | 'percpu_btf_id'
  /** What ringbuf_reserve answered; the reservation ends. */
  | 'ringbuf_mem_release'
  /** Any dynptr; `uninit_`: 16 bytes of stack to make one in; `_release` ends it. */
  | 'const_dynptr'
  | `uninit_dynptr:${'local' | 'ringbuf'}`
  | `dynptr_release:${'ringbuf'}`;

export type RetKind =
  | 'integer'
  | 'void'
  | 'map_value'
  | 'map_value_or_null'
  | 'socket_or_null'
  | 'sock_common_or_null'
  | 'tcp_sock_or_null'
  /** Memory of the size that the const_alloc_size argument says. */
  | 'ringbuf_mem_or_null'
  | 'dynptr_mem_or_null'
  /** What the per-CPU variable is: a BTF pointer for a structure, else memory of its size, read-only. */
  | 'mem_or_btf_id'
  | 'mem_or_btf_id_or_null'
  | `btf_id:${string}`
  | `trusted_btf_id:${string}`
  | `btf_id_or_null:${string}`
  /** What the kptr held: its type is the field's. */
  | 'kptr_or_null';
