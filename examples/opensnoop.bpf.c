// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0
// opensnoop: which process opens which file. The command `skep opensnoop` loads this object and prints its events.
//
// Entry only, unless `exits` is set: then the entry is kept in a map until the call returns, so that the event
// carries the answer (a descriptor, or -errno).
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#define COMM_LEN 16
#define PATH_LEN 256

// Only what is read of the kernel's structures; CO-RE finds the members where the running kernel has them.
struct trace_event_raw_sys_enter {
	long id;
	unsigned long args[6];
} __attribute__((preserve_access_index));

struct trace_event_raw_sys_exit {
	long id;
	long ret;
} __attribute__((preserve_access_index));

struct task_struct {
	struct task_struct *real_parent;
	int tgid;
} __attribute__((preserve_access_index));

// As linux/openat2.h has it: part of the system call's ABI.
struct open_how {
	__u64 flags;
	__u64 mode;
	__u64 resolve;
};

struct event {
	__u64 ts;	// nanoseconds since boot
	__u32 pid;	// what user space calls pid
	__u32 tid;
	__u32 ppid;
	__u32 uid;
	__s32 ret;	// descriptor or -errno; 0 where only entries are seen
	__u32 flags;	// O_*
	char comm[COMM_LEN];
	char path[PATH_LEN];
};

struct call {
	const char *path;
	__u32 flags;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} events SEC(".maps");

// Calls that have begun and not returned, by thread.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__type(key, __u64);
	__type(value, struct call);
} calls SEC(".maps");

// Set by the loader before the program is loaded.
const volatile _Bool exits = 0;
const volatile _Bool failed_only = 0;
const volatile __u32 only_pid = 0;
const volatile __u32 only_uid = (__u32)-1;

// Events that found no room.
__u64 lost = 0;

// Nothing else would put the type of the records into the object, by which readers show them.
const struct event *unused __attribute__((unused));

static __always_inline int report(const char *path, __u32 flags, int ret)
{
	struct event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (!e) {
		__sync_fetch_and_add(&lost, 1);
		return 0;
	}
	__u64 id = bpf_get_current_pid_tgid();
	struct task_struct *task = (void *)bpf_get_current_task();

	e->ts = bpf_ktime_get_ns();
	e->pid = id >> 32;
	e->tid = (__u32)id;
	e->ppid = BPF_CORE_READ(task, real_parent, tgid);
	e->uid = (__u32)bpf_get_current_uid_gid();
	e->ret = ret;
	e->flags = flags;
	bpf_get_current_comm(&e->comm, sizeof(e->comm));
	if (bpf_probe_read_user_str(&e->path, sizeof(e->path), path) < 0)
		e->path[0] = 0;
	bpf_ringbuf_submit(e, 0);
	return 0;
}

static __always_inline int entered(const char *path, __u32 flags)
{
	__u64 id = bpf_get_current_pid_tgid();

	if (only_pid && (id >> 32) != only_pid)
		return 0;
	if (only_uid != (__u32)-1 && (__u32)bpf_get_current_uid_gid() != only_uid)
		return 0;
	if (!exits)
		return report(path, flags, 0);

	struct call call = { .path = path, .flags = flags };

	bpf_map_update_elem(&calls, &id, &call, BPF_ANY);
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_open")
int enter_open(struct trace_event_raw_sys_enter *ctx)
{
	return entered((const char *)ctx->args[0], (__u32)ctx->args[1]);
}

SEC("tracepoint/syscalls/sys_enter_openat")
int enter_openat(struct trace_event_raw_sys_enter *ctx)
{
	return entered((const char *)ctx->args[1], (__u32)ctx->args[2]);
}

SEC("tracepoint/syscalls/sys_enter_openat2")
int enter_openat2(struct trace_event_raw_sys_enter *ctx)
{
	struct open_how how = {};

	bpf_probe_read_user(&how, sizeof(how), (void *)ctx->args[2]);
	return entered((const char *)ctx->args[1], (__u32)how.flags);
}

static __always_inline int returned(long ret)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct call *call = bpf_map_lookup_elem(&calls, &id);

	if (!call)
		return 0;
	if (!failed_only || ret < 0)
		report(call->path, call->flags, (int)ret);
	bpf_map_delete_elem(&calls, &id);
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_open")
int exit_open(struct trace_event_raw_sys_exit *ctx)
{
	return returned(ctx->ret);
}

SEC("tracepoint/syscalls/sys_exit_openat")
int exit_openat(struct trace_event_raw_sys_exit *ctx)
{
	return returned(ctx->ret);
}

SEC("tracepoint/syscalls/sys_exit_openat2")
int exit_openat2(struct trace_event_raw_sys_exit *ctx)
{
	return returned(ctx->ret);
}

char LICENSE[] SEC("license") = "GPL";
