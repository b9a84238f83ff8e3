// SPDX-License-Identifier: Apache-2.0
// The programs as native code: reads lines "NAME TIMES" and answers nanoseconds that so many runs take and the last
// answer. `packet HEX` sets the packet that programs see.
#define NATIVE
#include "programs.c"

static uint32_t hash_of(const void *key, uint32_t size) {
  uint32_t h = 0x9747b28c ^ size, word;
  for (uint32_t at = 0; at < size; at += 4) {
    memcpy(&word, (const char *)key + at, 4);
    h = (h ^ word) * 0x9e3779b1u;
    h ^= h >> 15;
  }
  h *= 0x85ebca6bu;
  return h ^ h >> 13;
}

void table_start(struct table *t) {
  if (t->type == BPF_MAP_TYPE_ARRAY || t->type == BPF_MAP_TYPE_PERCPU_ARRAY) {
    t->values = calloc(t->size, sizeof(uint64_t));
    return;
  }
  t->buckets = calloc(t->size, sizeof(struct entry *));
  t->entries = calloc(t->size, sizeof(struct entry));
  for (uint32_t i = 0; i < t->size; i++) {
    t->entries[i].next = t->free;
    t->free = &t->entries[i];
  }
}

static struct entry **link_of(struct table *t, const void *key, uint32_t hash) {
  struct entry **link = &t->buckets[hash & (t->size - 1)];
  while (*link && ((*link)->hash != hash || memcmp((*link)->key, key, t->key_size))) link = &(*link)->next;
  return link;
}

uint64_t *hash_find(struct table *t, const void *key) {
  struct entry *entry = *link_of(t, key, hash_of(key, t->key_size));
  return entry ? &entry->value : 0;
}

int hash_put(struct table *t, const void *key, const void *value) {
  uint32_t hash = hash_of(key, t->key_size);
  struct entry **link = link_of(t, key, hash);
  if (!*link) {
    struct entry *entry = t->free;
    if (!entry) return -7;
    t->free = entry->next;
    entry->next = 0;
    entry->hash = hash;
    memcpy(entry->key, key, t->key_size);
    *link = entry;
  }
  memcpy(&(*link)->value, value, 8);
  return 0;
}

int hash_remove(struct table *t, const void *key) {
  struct entry **link = link_of(t, key, hash_of(key, t->key_size)), *entry = *link;
  if (!entry) return -2;
  *link = entry->next;
  entry->next = t->free;
  t->free = entry;
  return 0;
}

int tail_calls_native(void *ctx) { return 33; }

#define ROW(name) {#name, (int (*)(void *))name}
static const struct {
  const char *name;
  int (*run)(void *);
} PROGRAMS_BY_NAME[] = {
  ROW(return_0), ROW(xorshift), ROW(sieve), ROW(jhash), ROW(siphash), ROW(bits), ROW(checksum), ROW(states), ROW(calls),
  ROW(divide), ROW(packet_checksum), ROW(copy_compare), ROW(parser), ROW(array_map), ROW(hash_mix), ROW(hash_lookup),
  ROW(percpu_counters), ROW(large),
};

int main(void) {
  static uint8_t bytes[4096];
  struct packet packet = {bytes, bytes};
  table_start(&numbers);
  table_start(&flows);
  table_start(&known);
  table_start(&per_cpu);
  for (uint32_t key = 0; key < 64; key++) hash_put(&known, &key, &(uint64_t){key});
  char line[16384];
  while (fgets(line, sizeof(line), stdin)) {
    if (!strncmp(line, "packet ", 7)) {
      uint32_t size = 0, byte;
      for (char *at = line + 7; size < sizeof(bytes) && sscanf(at, "%2x", &byte) == 1; at += 2) bytes[size++] = byte;
      packet.data_end = bytes + size;
      continue;
    }
    char name[64];
    long times;
    if (sscanf(line, "%63s %ld", name, &times) != 2) return 1;
    int (*run)(void *) = 0;
    for (size_t i = 0; i < sizeof(PROGRAMS_BY_NAME) / sizeof(*PROGRAMS_BY_NAME); i++)
      if (!strcmp(PROGRAMS_BY_NAME[i].name, name)) run = PROGRAMS_BY_NAME[i].run;
    if (!run) {
      puts("none");
    } else {
      struct timespec from, to;
      int answer = 0;
      clock_gettime(CLOCK_MONOTONIC, &from);
      for (long i = 0; i < times; i++) answer = run(&packet);
      clock_gettime(CLOCK_MONOTONIC, &to);
      printf("%lld %u\n", (to.tv_sec - from.tv_sec) * 1000000000ll + to.tv_nsec - from.tv_nsec, (unsigned)answer);
    }
    fflush(stdout);
  }
}
