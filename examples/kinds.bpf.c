// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0
// A map of each kind, global variables, and small programs that use them: what the other examples load.
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

struct point {
	__s32 x;
	__s32 y;
	char name[8];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct point);
} points SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} hits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 16);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u64);
} settings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 64);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(key_size, 8);	// the length of the prefix in bits, then the address
	__uint(value_size, 4);
} routes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 8);
	__uint(value_size, 8);
} jobs SEC(".maps");

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 8);
	__type(key, __u32);
	__array(values, struct inner);
} tenants SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} next SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} packets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} samples SEC(".maps");

// What goes through `packets` and `samples`.
struct seen {
	__u32 number;
	__u32 bytes;
};

// Nothing else would put the type into the object.
const struct seen *unused __attribute__((unused));

// Fixed before the programs are loaded.
const volatile __u32 limit = 1500;
// Counted while they run.
__u32 number = 0;
__u64 lost = 0;
// Changed from outside while they run.
__u32 verdict = XDP_PASS;

// A record for each packet; longer ones than `limit` are dropped.
SEC("xdp")
int count(struct xdp_md *ctx)
{
	__u32 bytes = ctx->data_end - ctx->data;
	__u32 zero = 0;
	__u64 *hit = bpf_map_lookup_elem(&hits, &zero);
	struct seen *seen;

	if (hit)
		(*hit)++;
	number++;
	if (bytes > limit)
		return XDP_DROP;
	seen = bpf_ringbuf_reserve(&packets, sizeof(*seen), 0);
	if (!seen) {
		__sync_fetch_and_add(&lost, 1);
		return verdict;
	}
	seen->number = number;
	seen->bytes = bytes;
	bpf_ringbuf_submit(seen, 0);
	return verdict;
}

// The same through a perf buffer.
SEC("xdp")
int sample(struct xdp_md *ctx)
{
	struct seen seen = { .number = ++number, .bytes = ctx->data_end - ctx->data };

	bpf_perf_event_output(ctx, &samples, BPF_F_CURRENT_CPU, &seen, sizeof(seen));
	return XDP_PASS;
}

// Goes on to the program in slot 1, where there is one.
SEC("xdp")
int chain(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &next, 1);
	return XDP_ABORTED;
}

char LICENSE[] SEC("license") = "GPL";
