// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int broken(struct xdp_md *ctx)
{
	volatile __u32 *ready = (void *)&ctx->rx_queue_index;

	while (*ready == 0)
		;
	return XDP_PASS;
}

SEC("xdp")
int mended(struct xdp_md *ctx)
{
	volatile __u32 *ready = (void *)&ctx->rx_queue_index;

	for (int tries = 0; tries < 100 && *ready == 0; tries++)
		;
	return XDP_PASS;
}
