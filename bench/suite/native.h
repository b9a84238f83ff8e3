// SPDX-License-Identifier: Apache-2.0
// What programs.c needs to be a C program: contexts, and maps as one would write them in plain C for one thread.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BPF_MAP_TYPE_HASH = 1, BPF_MAP_TYPE_ARRAY = 2, BPF_MAP_TYPE_PERCPU_ARRAY = 6, BPF_MAP_TYPE_LRU_HASH = 9, BPF_MAP_TYPE_LPM_TRIE = 11 };
enum { BPF_ANY = 0, BPF_F_NO_PREALLOC = 1, BPF_RB_NO_WAKEUP = 1 };
enum { XDP_DROP = 1, XDP_PASS = 2 };

struct packet {
  void *data, *data_end;
};
#define PROGRAM(name) __attribute__((noinline)) int name(void *ctx)
#define PACKET_PROGRAM(name) __attribute__((noinline)) int name(struct packet *ctx)
#define FUNCTION(name) static __attribute__((noinline))
#define DATA(ctx) ((ctx)->data)
#define DATA_END(ctx) ((ctx)->data_end)

// A table: chains of entries that stand in one block.
struct entry {
  struct entry *next;
  uint32_t hash;
  uint64_t key[2];
  uint64_t value;
};
struct table {
  uint32_t type, key_size, size;
  struct entry **buckets;
  struct entry *entries, *free;
  uint64_t *values;
};
#define MAP(name, kind, key_type, value_type, count, more) static struct table name = {.type = kind, .key_size = sizeof(key_type), .size = count}
#define RING(name, bytes) static int name
#define PROGRAMS(name, entries) static int name

void table_start(struct table *t);
uint64_t *hash_find(struct table *t, const void *key);
int hash_put(struct table *t, const void *key, const void *value);
int hash_remove(struct table *t, const void *key);
int tail_calls_native(void *ctx);

static inline void *bpf_map_lookup_elem(struct table *t, const void *key) {
  if (t->type != BPF_MAP_TYPE_ARRAY && t->type != BPF_MAP_TYPE_PERCPU_ARRAY) return hash_find(t, key);
  uint32_t index = *(const uint32_t *)key;
  return index < t->size ? &t->values[index] : 0;
}
#define bpf_map_update_elem(t, key, value, flags) hash_put(t, key, value)
#define bpf_map_delete_elem(t, key) hash_remove(t, key)
#define bpf_get_smp_processor_id() 0
#define bpf_ringbuf_output(ring, data, size, flags) ((void)(data), -1)
#define bpf_ringbuf_reserve(ring, size, flags) ((void *)0)
#define bpf_ringbuf_submit(data, flags)
