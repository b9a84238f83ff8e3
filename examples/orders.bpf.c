// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0
// A user ring buffer: what user space writes is drained when the program runs.
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

struct order {
	__u32 table;
	__u32 coffees;
};

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 4096);
} orders SEC(".maps");

__u32 coffees = 0;

static long take(struct bpf_dynptr *record, void *context)
{
	struct order order;

	if (bpf_dynptr_read(&order, sizeof(order), record, 0, 0) == 0)
		coffees += order.coffees;
	return 0;	// 1 would end the draining
}

// Answers how many records there were.
SEC("syscall")
int serve(void *ctx)
{
	return bpf_user_ringbuf_drain(&orders, take, 0, 0);
}

char LICENSE[] SEC("license") = "GPL";
