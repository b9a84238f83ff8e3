// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int broken(struct xdp_md *ctx)
{
	volatile char text[64] = {};

	return text[ctx->rx_queue_index];
}

SEC("xdp")
int mended(struct xdp_md *ctx)
{
	volatile char text[64] = {};
	__u32 at = ctx->rx_queue_index;

	return at < sizeof(text) ? text[at] : 0;
}
