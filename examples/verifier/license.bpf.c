// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int broken(struct xdp_md *ctx)
{
	bpf_printk("a packet");
	return XDP_PASS;
}

SEC("xdp")
int mended(struct xdp_md *ctx)
{
	return XDP_PASS;	// or: char LICENSE[] SEC("license") = "GPL";
}

char LICENSE[] SEC("license") = "Proprietary";
