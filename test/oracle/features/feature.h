#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#define __ksym __attribute__((section(".ksyms")))
#define __weak __attribute__((weak))
#define private(name) SEC(".data." #name) __hidden __attribute__((aligned(8)))
#define __tag(x) __attribute__((btf_decl_tag(x)))
#define __contains(type, node) __tag("contains:" #type ":" #node)
#define __uptr __attribute__((btf_type_tag("uptr")))
#ifndef __kptr
#define __kptr __attribute__((btf_type_tag("kptr")))
#endif
#define __percpu_kptr __attribute__((btf_type_tag("percpu_kptr")))
#define __exception_cb(name) __tag("exception_callback:" #name)
#define __arg_ctx __tag("arg:ctx")
#define __arg_nonnull __tag("arg:nonnull")
#define __arg_nullable __tag("arg:nullable")
#define __arg_trusted __tag("arg:trusted")
#define __arg_untrusted __tag("arg:untrusted")
#define __arg_arena __tag("arg:arena")
#define __uint(name, val) int (*name)[val]
#define __ulong(name, val) enum { __unique_##name##_##val = val } name
#define container_of_(ptr,type,member) ((type*)((void*)(ptr)-__builtin_offsetof(type,member)))
char _license[] SEC("license") = "GPL";
