// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u32);
} seen SEC(".maps");

// Helper 1 takes a map and a key, and this declaration says nothing of a key.
static void *(*lookup)(void *map) = (void *)BPF_FUNC_map_lookup_elem;

SEC("xdp")
int broken(struct xdp_md *ctx)
{
	return lookup(&seen) ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int mended(struct xdp_md *ctx)
{
	__u32 key = ctx->rx_queue_index;

	return bpf_map_lookup_elem(&seen, &key) ? XDP_DROP : XDP_PASS;
}
