// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int broken(struct xdp_md *ctx)
{
	char first = 0;

	bpf_skb_load_bytes(ctx, 0, &first, sizeof(first));	// of tc, not of XDP
	return first ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int mended(struct xdp_md *ctx)
{
	char first = 0;

	bpf_xdp_load_bytes(ctx, 0, &first, sizeof(first));
	return first ? XDP_DROP : XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
