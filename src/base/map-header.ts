/**
 * The block in linear memory that every map begins with: a map's address (what a program holds) is the address of it.
 *
 * maps/ writes it when a map is created; the engine reads it for bpf_tail_call, and the JIT for operations that it
 * writes itself. All fields are u32; what follows belongs to the type (map-storage.ts).
 *
 *     +0 type   +4 key_size   +8 value_size   +12 max_entries   +16 flags   +20 storage   +24 stride   +28 special
 */

/** Bytes of the block. */
export const MAP_HEADER_SIZE = 96;

/** BPF_MAP_TYPE_*. */
export const MAP_HEADER_TYPE = 0;
/** Bytes of a key. */
export const MAP_HEADER_KEY_SIZE = 4;
/** Bytes of a value. */
export const MAP_HEADER_VALUE_SIZE = 8;
export const MAP_HEADER_MAX_ENTRIES = 12;
/** The map_flags of BPF_MAP_CREATE. */
export const MAP_HEADER_FLAGS = 16;
/**
 * Address of element 0: of the values of an array, of the slots of a prog array or of an array of objects.
 * 0 where elements do not stand in one block.
 */
export const MAP_HEADER_STORAGE = 20;
/** Bytes from one element to the next; in arrays of objects 4: a slot is one u32. */
export const MAP_HEADER_STRIDE = 24;
/** 1 where values hold fields that are the kernel's own (spin locks, timers), which copies leave alone. */
export const MAP_HEADER_SPECIAL = 28;

/**
 * A prog array: `storage` is the address of max_entries slots of `PROG_ARRAY_STRIDE` bytes. A slot is the
 * `Runnable.slot` of the program to continue with, or 0 where there is none.
 */
export const PROG_ARRAY_MAX_ENTRIES = MAP_HEADER_MAX_ENTRIES;
export const PROG_ARRAY_STORAGE = MAP_HEADER_STORAGE;
export const PROG_ARRAY_STRIDE = 4;
