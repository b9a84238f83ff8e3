// SPDX-License-Identifier: Apache-2.0
// Programs for bench/vm.ts. Each stands in a section of its own and needs neither map nor context.
// After a change: node bench/vm/build.mjs
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

// suite/programs.c takes these in and says itself where they stand.
#ifndef PROGRAM
#define PROGRAM(name) __attribute__((section("bench/" #name), used)) int name(void *ctx)
#define FUNCTION(name) static __attribute__((section("bench/" #name), noinline))
#endif
// A value that the compiler knows nothing about.
#define OPAQUE(x) __asm__ volatile("" : "+r"(x))

PROGRAM(return_0) { return 0; }

PROGRAM(xorshift) {
  u64 x = 88172645463325252ull;
  OPAQUE(x);
  for (int i = 0; i < 1000; i++) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
  }
  return (int)x;
}

PROGRAM(sieve) {
  u8 composite[256] = {0};
  u32 primes = 0;
  for (u32 i = 2; i < 256; i++) {
    if (composite[i]) continue;
    primes++;
    for (u32 j = i * i; j < 256; j += i) composite[j] = 1;
  }
  return primes;
}

static inline __attribute__((always_inline)) u32 rol32(u32 x, int k) { return (x << k) | (x >> (32 - k)); }
static inline __attribute__((always_inline)) u64 rol64(u64 x, int k) { return (x << k) | (x >> (64 - k)); }

PROGRAM(jhash) {
  u32 a = 0xdeadbeef, b = 0xdeadbeef, c = 0xdeadbeef;
  OPAQUE(a);
  for (u32 i = 0; i < 64; i++) {
    a += i; b += i * 3; c += i * 7;
    a -= c; a ^= rol32(c, 4); c += b;
    b -= a; b ^= rol32(a, 6); a += c;
    c -= b; c ^= rol32(b, 8); b += a;
    a -= c; a ^= rol32(c, 16); c += b;
    b -= a; b ^= rol32(a, 19); a += c;
    c -= b; c ^= rol32(b, 4); b += a;
  }
  return c;
}

PROGRAM(siphash) {
  u64 v0 = 0x736f6d6570736575ull, v1 = 0x646f72616e646f6dull, v2 = 0x6c7967656e657261ull, v3 = 0x7465646279746573ull;
  OPAQUE(v0);
  for (u64 i = 0; i < 64; i++) {
    v3 ^= i;
    v0 += v1; v1 = rol64(v1, 13); v1 ^= v0; v0 = rol64(v0, 32);
    v2 += v3; v3 = rol64(v3, 16); v3 ^= v2;
    v0 += v3; v3 = rol64(v3, 21); v3 ^= v0;
    v2 += v1; v1 = rol64(v1, 17); v1 ^= v2; v2 = rol64(v2, 32);
    v0 ^= i;
  }
  return (int)(v0 ^ v1 ^ v2 ^ v3);
}

PROGRAM(bits) {
  u32 total = 0, factor = 2654435761u;
  OPAQUE(factor);
  for (u32 i = 1; i < 500; i++) {
    u32 x = i * factor;
    x = x - ((x >> 1) & 0x55555555);
    x = (x & 0x33333333) + ((x >> 2) & 0x33333333);
    x = (x + (x >> 4)) & 0x0f0f0f0f;
    total += (x * 0x01010101) >> 24;
  }
  return total;
}

PROGRAM(checksum) {
  u8 packet[192];
  u32 sum = 0;
  for (u32 i = 0; i < 192; i++) packet[i] = (u8)(i * 31);
  for (int round = 0; round < 8; round++) {
    for (u32 i = 0; i < 192; i += 2) sum += (packet[i] << 8) | packet[i + 1];
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return sum;
}

PROGRAM(states) {
  u32 x = 12345, state = 0, seen = 0;
  OPAQUE(x);
  for (int i = 0; i < 600; i++) {
    x = x * 1103515245 + 12345;
    u32 in = (x >> 16) & 7;
    switch (state) {
      case 0: state = in < 3 ? 1 : in < 6 ? 2 : 0; break;
      case 1: if (in == 4) { state = 3; seen += 1; } else state = in & 1 ? 2 : 0; break;
      case 2: state = in > 5 ? 4 : 1; seen ^= in; break;
      case 3: if (in) state = 2; else { state = 0; seen += 7; } break;
      default: state = in == 7 ? 0 : 3; seen += in; break;
    }
  }
  return seen;
}

FUNCTION(calls) u64 mix(u64 a, u64 b) { return (a ^ b) * 0x9e3779b97f4a7c15ull; }
FUNCTION(calls) u64 twice(u64 a, u64 b) { return mix(mix(a, b), a + b); }
PROGRAM(calls) {
  u64 x = 1;
  OPAQUE(x);
  for (int i = 0; i < 100; i++) x = twice(x, i) >> 1;
  return (int)x;
}

PROGRAM(divide) {
  u64 x = 0xfedcba9876543210ull, sum = 0;
  OPAQUE(x);
  for (u64 i = 1; i < 200; i++) {
    sum += x / (i * 12345);
    sum ^= x % (i + 7);
  }
  return (int)sum;
}
