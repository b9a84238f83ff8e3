// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0
// Iterators: programs that print what the kernel has, or what a map holds, when somebody reads.
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
	__u64 seq_num;
} __attribute__((preserve_access_index));

struct bpf_iter__bpf_map_elem {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
	void *key;
	void *value;
} __attribute__((preserve_access_index));

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u32);
} ages SEC(".maps");

SEC("iter/bpf_map_elem")
int older(struct bpf_iter__bpf_map_elem *ctx)
{
	__u32 *key = ctx->key, *value = ctx->value;

	if (!key || !value || *value < 18)
		return 0;
	BPF_SEQ_PRINTF(ctx->meta->seq, "%u is %u\n", *key, *value);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
