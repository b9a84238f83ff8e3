// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

struct line {
	char text[32];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct line);
} lines SEC(".maps");

SEC("xdp")
int broken(struct xdp_md *ctx)
{
	__u32 zero = 0, at = ctx->rx_queue_index;
	struct line *line = bpf_map_lookup_elem(&lines, &zero);

	if (!line)
		return XDP_PASS;
	return line->text[at] ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int mended(struct xdp_md *ctx)
{
	__u32 zero = 0, at = ctx->rx_queue_index;
	struct line *line = bpf_map_lookup_elem(&lines, &zero);

	if (!line || at >= sizeof(line->text))
		return XDP_PASS;
	return line->text[at] ? XDP_DROP : XDP_PASS;
}
