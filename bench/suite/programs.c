// SPDX-License-Identifier: Apache-2.0
// The programs of `npm run bench`: those of vm/programs.c, and others that use packets, maps and tail calls. Built twice
// by build.mjs: as an eBPF object, and with -DNATIVE into the program of native.c, which brings maps of its own.
#ifdef NATIVE
#include "native.h"
#else
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#define PROGRAM(name) SEC("socket") int name(void *ctx)
#define PACKET_PROGRAM(name) SEC("xdp") int name(struct xdp_md *ctx)
#define FUNCTION(name) static __attribute__((noinline))
#define DATA(ctx) ((void *)(long)(ctx)->data)
#define DATA_END(ctx) ((void *)(long)(ctx)->data_end)
#define MAP(name, kind, key_type, value_type, entries, more) \
  struct { \
    __uint(type, kind); \
    __type(key, key_type); \
    __type(value, value_type); \
    __uint(max_entries, entries); \
    __uint(map_flags, more); \
  } name SEC(".maps")
#define RING(name, bytes) \
  struct { \
    __uint(type, BPF_MAP_TYPE_RINGBUF); \
    __uint(max_entries, bytes); \
  } name SEC(".maps")
#define PROGRAMS(name, entries) \
  struct { \
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY); \
    __type(key, __u32); \
    __type(value, __u32); \
    __uint(max_entries, entries); \
  } name SEC(".maps")
char _license[] SEC("license") = "GPL";
#endif
#include "../vm/programs.c"
// A loop that has it is not made into moves of larger pieces.
#define KEEP_LOOP() __asm__ volatile("" ::: "memory")

// Packets.

PACKET_PROGRAM(packet_checksum) {
  u8 *at = DATA(ctx), *end = DATA_END(ctx);
  u32 sum = 0;
  for (int i = 0; i < 700 && at + 2 <= end; i++, at += 2) sum += *(unsigned short *)at;
  sum = (sum & 0xffff) + (sum >> 16);
  return (unsigned short)~((sum & 0xffff) + (sum >> 16));
}

PACKET_PROGRAM(copy_compare) {
  u8 *at = DATA(ctx), *end = DATA_END(ctx);
  u8 copy[256];
  u32 same = 0;
  if (at + 512 > end) return 0;
  for (u32 i = 0; i < 256; i++) {
    copy[i] = at[i];
    KEEP_LOOP();
  }
  for (u32 i = 0; i < 256; i++) {
    same += copy[i] == at[i + 256];
    KEEP_LOOP();
  }
  return same;
}

// A parser that looks at one byte after the other: headers of several kinds, a few bytes each.
PACKET_PROGRAM(parser) {
  u8 *start = DATA(ctx), *end = DATA_END(ctx);
  u32 seen = 0;
  if (start + 4 > end) return 0;
  // Where it is comes from the packet too, else the verifier would follow every way through it.
  u32 pos = *(u32 *)start;
  for (int i = 0; i < 200; i++) {
    u8 *at = start + (pos & 511);
    if (at + 8 > end) break;
    switch (at[0] & 15) {
      case 0: seen += at[1]; pos += 2; break;
      case 1: seen ^= *(u32 *)(at + 1); pos += 5; break;
      case 2: seen += *(unsigned short *)(at + 1); pos += 3; break;
      case 3: seen = (seen << 1) | (seen >> 31); pos += 1; break;
      case 4: seen -= at[3]; pos += 4; break;
      case 5: seen += at[1] * at[2]; pos += 3; break;
      case 6: if (at[1] & 1) seen++; pos += 2; break;
      case 7: seen ^= at[7]; pos += 8; break;
      case 8: seen += 3; pos += 1; break;
      case 9: seen += at[1] > at[2] ? at[1] : at[2]; pos += 3; break;
      case 10: seen |= 1u << (at[1] & 31); pos += 2; break;
      case 11: seen *= 31; pos += 1; break;
      case 12: seen += *(u32 *)(at + 2) & 0xff00ff; pos += 6; break;
      case 13: seen = ~seen; pos += 1; break;
      case 14: seen -= *(unsigned short *)(at + 3); pos += 5; break;
      default: seen ^= 0x5bd1e995; pos += 1; break;
    }
  }
  return seen;
}

// Maps.

MAP(numbers, BPF_MAP_TYPE_ARRAY, u32, u64, 64, 0);

PROGRAM(array_map) {
  u64 sum = 0;
  for (u32 i = 0; i < 200; i++) {
    u32 key = i & 63;
    u64 *value = bpf_map_lookup_elem(&numbers, &key);
    if (!value) continue;
    sum += *value;
    *value = i;
  }
  return (int)sum;
}

struct flow {
  u32 source, target;
  u32 ports;
  u32 protocol;
};
MAP(flows, BPF_MAP_TYPE_HASH, struct flow, u64, 1024, 0);

// Sixty-four flows: looked up, counted, put in when they are new, and every eighth one taken out again.
PROGRAM(hash_mix) {
  u64 hits = 0;
  for (u32 i = 0; i < 64; i++) {
    struct flow flow = {i * 2654435761u, i ^ 0x0a000001, i << 16 | 443, 6};
    u64 *count = bpf_map_lookup_elem(&flows, &flow);
    if (count) {
      *count += 1;
      hits++;
      if ((i & 7) == 7) bpf_map_delete_elem(&flows, &flow);
    } else {
      u64 one = 1;
      bpf_map_update_elem(&flows, &flow, &one, BPF_ANY);
    }
  }
  return (int)hits;
}

MAP(known, BPF_MAP_TYPE_HASH, u32, u64, 1024, 0);

PROGRAM(hash_lookup) {
  u64 sum = 0;
  for (u32 i = 0; i < 100; i++) {
    u32 key = i & 63;
    u64 *value = bpf_map_lookup_elem(&known, &key);
    if (value) sum += *value;
  }
  return (int)sum;
}

MAP(recent, BPF_MAP_TYPE_LRU_HASH, u32, u64, 128, 0);

PROGRAM(lru_lookup) {
  u64 sum = 0;
  for (u32 i = 0; i < 100; i++) {
    u32 key = i & 63;
    u64 *value = bpf_map_lookup_elem(&recent, &key);
    if (value) sum += *value;
  }
  return (int)sum;
}

MAP(per_cpu, BPF_MAP_TYPE_PERCPU_ARRAY, u32, u64, 16, 0);

PROGRAM(percpu_counters) {
  u32 cpu = bpf_get_smp_processor_id();
  for (u32 i = 0; i < 100; i++) {
    u32 key = i & 15;
    u64 *value = bpf_map_lookup_elem(&per_cpu, &key);
    if (value) *value += i;
  }
  return cpu < 4096;
}

// A table for each tenant, found in a map of them.

#ifndef NATIVE
struct tenant {
  __uint(type, BPF_MAP_TYPE_HASH);
  __type(key, u32);
  __type(value, u64);
  __uint(max_entries, 256);
} tenant_a SEC(".maps"), tenant_b SEC(".maps"), tenant_c SEC(".maps"), tenant_d SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
  __type(key, u32);
  __uint(max_entries, 4);
  __array(values, struct tenant);
} tenants SEC(".maps") = {.values = {&tenant_a, &tenant_b, &tenant_c, &tenant_d}};

PROGRAM(map_in_map) {
  u64 sum = 0;
  for (u32 i = 0; i < 64; i++) {
    u32 which = i & 3, key = i;
    void *tenant = bpf_map_lookup_elem(&tenants, &which);
    if (!tenant) continue;
    u64 *value = bpf_map_lookup_elem(tenant, &key);
    if (value) sum += *value;
  }
  return (int)sum;
}

PROGRAM(random) {
  u32 heads = 0;
  for (u32 i = 0; i < 64; i++) heads += bpf_get_prandom_u32() & 1;
  return heads <= 64;
}
#endif

struct prefix {
  u32 length;
  u32 address;
};
MAP(routes, BPF_MAP_TYPE_LPM_TRIE, struct prefix, u64, 1024, BPF_F_NO_PREALLOC);

PROGRAM(lpm_lookup) {
  u64 sum = 0;
  for (u32 i = 0; i < 64; i++) {
    struct prefix prefix = {32, i * 0x01010107};
    u64 *value = bpf_map_lookup_elem(&routes, &prefix);
    if (value) sum += *value;
  }
  return (int)sum;
}

RING(events, 1 << 20);

struct event {
  u64 time;
  u32 what, who;
};

PROGRAM(ring_output) {
  u32 lost = 0;
  for (u32 i = 0; i < 32; i++) {
    struct event event = {i, i * 3, 7};
    if (bpf_ringbuf_output(&events, &event, sizeof(event), BPF_RB_NO_WAKEUP)) lost++;
  }
  return lost;
}

PROGRAM(ring_reserve) {
  u32 lost = 0;
  for (u32 i = 0; i < 32; i++) {
    struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
    if (!event) {
      lost++;
      continue;
    }
    event->time = i;
    event->what = i * 3;
    event->who = 7;
    bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
  }
  return lost;
}

// Tail calls. The program is in its own array, at 0.

PROGRAMS(chain, 1);

PROGRAM(tail_calls) {
#ifdef NATIVE
  return tail_calls_native(ctx);
#else
  bpf_tail_call(ctx, &chain, 0);
  return 33;
#endif
}

// A firewall: established flows, then allowed ports, then blocked prefixes.

struct ethernet {
  u8 to[6], from[6];
  unsigned short type;
};
struct ipv4 {
  u8 version_length, service;
  unsigned short length, id, fragment;
  u8 ttl, protocol;
  unsigned short checksum;
  u32 source, target;
};
struct ports {
  unsigned short source, target;
};

MAP(established, BPF_MAP_TYPE_HASH, struct flow, u64, 4096, 0);
MAP(open_ports, BPF_MAP_TYPE_ARRAY, u32, u32, 65536, 0);
MAP(blocked, BPF_MAP_TYPE_LPM_TRIE, struct prefix, u32, 1024, BPF_F_NO_PREALLOC);
MAP(verdicts, BPF_MAP_TYPE_PERCPU_ARRAY, u32, u64, 4, 0);

static inline __attribute__((always_inline)) int verdict(u32 what) {
  u64 *count = bpf_map_lookup_elem(&verdicts, &what);
  if (count) *count += 1;
  return what;
}

PACKET_PROGRAM(firewall) {
  u8 *at = DATA(ctx), *end = DATA_END(ctx);
  struct ethernet *ethernet = (void *)at;
  struct ipv4 *ip = (void *)(ethernet + 1);
  if ((u8 *)(ip + 1) > end) return verdict(XDP_PASS);
  if (ethernet->type != 0x0008) return verdict(XDP_PASS);
  if (ip->version_length != 0x45) return verdict(XDP_DROP);
  struct ports *ports = (void *)(ip + 1);
  if ((ip->protocol != 6 && ip->protocol != 17) || (u8 *)(ports + 1) > end) return verdict(XDP_PASS);
  struct flow flow = {ip->source, ip->target, ports->source | (u32)ports->target << 16, ip->protocol};
  u64 *packets = bpf_map_lookup_elem(&established, &flow);
  if (packets) {
    *packets += 1;
    return verdict(XDP_PASS);
  }
  u32 port = ports->target;
  u32 *open = bpf_map_lookup_elem(&open_ports, &port);
  if (!open || !*open) return verdict(XDP_DROP);
  struct prefix source = {32, ip->source};
  if (bpf_map_lookup_elem(&blocked, &source)) return verdict(XDP_DROP);
  return verdict(XDP_PASS);
}

// Four thousand instructions, half of them branches over the others.

#define STEP(n) if (x & (1ull << ((n) & 63))) x += (n) * 7ull + 1; else x ^= (x >> 3) + (n);
#define STEPS4(n) STEP(n) STEP(n + 1) STEP(n + 2) STEP(n + 3)
#define STEPS16(n) STEPS4(n) STEPS4(n + 4) STEPS4(n + 8) STEPS4(n + 12)
#define STEPS64(n) STEPS16(n) STEPS16(n + 16) STEPS16(n + 32) STEPS16(n + 48)

PACKET_PROGRAM(large) {
  u8 *at = DATA(ctx), *end = DATA_END(ctx);
  if (at + 16 > end) return 0;
  u64 x = *(u64 *)(at + 8);
  STEPS64(0) STEPS64(64) STEPS64(128) STEPS64(192) STEPS64(256) STEPS64(320) STEPS64(384) STEPS64(448)
  return (int)x;
}
