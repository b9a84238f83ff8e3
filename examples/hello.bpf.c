// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0
// The first program: says hello each time a process opens a file.
//   skep run examples/hello.bpf.o -- cat /etc/hostname
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("kprobe/do_sys_openat2")
int hello(void *ctx)
{
	bpf_printk("Hello, World!");
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
