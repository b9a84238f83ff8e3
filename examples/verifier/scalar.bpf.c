// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

SEC("kprobe")
int broken(void **ctx)
{
	int *file = ctx[0];	// an address of the kernel: to the verifier a number

	return *file;
}

SEC("kprobe")
int mended(void **ctx)
{
	int value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), ctx[0]);
	return value;
}

char LICENSE[] SEC("license") = "GPL";
