// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int broken(struct xdp_md *ctx)
{
	__u64 bits = 0;

	for (int i = 0; i < 32; i++) {
		bits <<= 1;
		if (bpf_get_prandom_u32() == 7)
			bits |= 1;
	}
	return bits == 5 ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int mended(struct xdp_md *ctx)
{
	__u64 bits = 0;

	for (int i = 0; i < 32; i++)
		bits = bits << 1 | (bpf_get_prandom_u32() & 1);	// no branch: one path
	return bits == 5 ? XDP_DROP : XDP_PASS;
}
