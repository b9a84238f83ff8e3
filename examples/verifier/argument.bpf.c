// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

SEC("xdp")
int broken(struct xdp_md *ctx)
{
	__u64 one = 1;

	// The key itself, where its address is wanted.
	bpf_map_update_elem(&counts, (void *)(long)ctx->rx_queue_index, &one, BPF_ANY);
	return XDP_PASS;
}

SEC("xdp")
int mended(struct xdp_md *ctx)
{
	__u32 key = ctx->rx_queue_index;
	__u64 one = 1;

	bpf_map_update_elem(&counts, &key, &one, BPF_ANY);
	return XDP_PASS;
}
