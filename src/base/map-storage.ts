/**
 * Where maps keep their elements in linear memory, beyond what map-header.ts says: maps/ works on it in JavaScript, and
 * the JIT writes WebAssembly that works on the same. All offsets are bytes, all words u32 where nothing else is said.
 */

// Hash tables (maps/hash-table.ts): chains of elements, found by bucket, walked by index.

/** In the header: number of buckets - 1. `storage` is the address of the buckets, `stride` bytes of an element. */
export const HASH_MASK = 32;
/** Address of the multipliers of its hash: u64s, as many as hash-function.ts makes for the size of a key. */
export const HASH_MULTIPLIERS = 36;
/** Offset of the value in an element. */
export const HASH_VALUE_OFFSET = 40;
/** Elements in use. */
export const HASH_COUNT = 44;
/** Address of the entries: the element of each index, 0 for none. */
export const HASH_ENTRIES = 48;
/** The index that the next element gets that has none. */
export const HASH_NEXT_INDEX = 52;
/** The element that takes the place of the next one to be replaced, or 0. */
export const HASH_SPARE = 56;
/** The index that eviction looks at next. */
export const HASH_HAND = 60;

/** In an element: the next one in its chain, or in the pool's list. A link is the address of such a word. */
export const ELEMENT_NEXT = 0;
export const ELEMENT_HASH = 4;
/** Its index + 1, 0 where it never had one. */
export const ELEMENT_INDEX = 8;
/** LRU: whether it was used since the hand came by. */
export const ELEMENT_REFERENCED = 12;
/** The key, padded to 8 bytes; then the value. */
export const ELEMENT_KEY = 16;

/** The hash of a key (maps/hash-function.ts): words that one block has, and multipliers that stand before those of words. */
export const HASH_BLOCK_WORDS = 16;
export const HASH_MULTIPLIERS_BEFORE = 2;

// Pools of elements (maps/element-pool.ts), in the header of the map that owns one.

/** The first element of the list of those given back, or 0. */
export const POOL_FREE = 64;
/** The first element that was never used, and where those end. */
export const POOL_FRESH = 68;
export const POOL_FRESH_END = 72;
/** Bytes of these, where a map has a second pool behind them. */
export const POOL_BOOKS = 12;

// Longest prefix match (maps/lpm-trie.ts). `storage` is the address of the word that points to the root.

/** In a node: its children for a 0 bit and, 4 bytes on, for a 1 bit. */
export const LPM_CHILDREN = 0;
/** Its key: u32 length of the prefix in bits, then the data. */
export const LPM_KEY = 8;
/** Bits of that length which are none: the node is an entry; it has room for a value. */
export const LPM_IS_ENTRY = 0x80000000;
export const LPM_HAS_ROOM = 0x40000000;
export const LPM_LENGTH_MASK = 0x3fffffff;
/** Bytes of that length. */
export const LPM_PREFIX_SIZE = 4;

/** In the header: address of the stem (maps/lpm-stem.ts), 0 for none, and how many bits of a key choose a slot of it. */
export const LPM_STEM = 32;
export const LPM_STEM_BITS = 36;
/** Bytes of a slot, and what is in it. */
export const LPM_STEM_SLOT = 8;
export const LPM_STEM_NODE = 0;
export const LPM_STEM_ENTRY = 4;

// Queues and stacks (maps/queue.ts): `storage` is a ring of max_entries values of `stride` bytes.

/** In the header: index of the oldest value, and how many there are. */
export const QUEUE_OLDEST = 32;
export const QUEUE_COUNT = 36;

// Ring buffers (maps/ringbuf.ts), from the first page on. `storage` is the address of the data.

export const RING_PAGE = 4096;
/** Positions, u64. */
export const RING_CONSUMER = RING_PAGE;
export const RING_PRODUCER = 2 * RING_PAGE;
export const RING_DATA = 3 * RING_PAGE;
/** Bits of a record's first word that are its length. */
export const RING_LENGTH_MASK = 0x3fffffff;
