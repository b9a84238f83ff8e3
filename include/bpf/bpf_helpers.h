/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/*
 * What a BPF program in C starts with: sections, map definitions, helpers, printing. Part of skep; the names are those
 * that BPF programs everywhere use, so a program written for libbpf compiles with it and the other way round.
 */
#ifndef SKEP_BPF_HELPERS_H
#define SKEP_BPF_HELPERS_H

#include "bpf_helper_defs.h"

/* The section says what a program is (`xdp`, `tracepoint/syscalls/sys_enter_openat`), or holds maps and the license. */
#define SEC(name) \
	_Pragma("GCC diagnostic push") \
	_Pragma("GCC diagnostic ignored \"-Wignored-attributes\"") \
	__attribute__((section(name), used)) \
	_Pragma("GCC diagnostic pop")

/* Members of a map definition: their types carry the values, through BTF. */
#define __uint(name, val) int(*name)[val]
#define __type(name, val) typeof(val) *name
#define __array(name, val) typeof(val) *name[]
#define __ulong(name, val) enum { ___skep_cat(__unique_value, __COUNTER__) = val } name
#define ___skep_cat(a, b) ___skep_cat1(a, b)
#define ___skep_cat1(a, b) a##b

#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#ifndef __noinline
#define __noinline __attribute__((noinline))
#endif
#ifndef __weak
#define __weak __attribute__((weak))
#endif
#define __hidden __attribute__((visibility("hidden")))

/* Externs: values of the kernel's configuration, and symbols of the kernel. */
#define __kconfig __attribute__((section(".kconfig")))
#define __ksym __attribute__((section(".ksyms")))

/* Annotations that BTF carries to the verifier. */
#define __kptr_untrusted __attribute__((btf_type_tag("kptr_untrusted")))
#define __kptr __attribute__((btf_type_tag("kptr")))
#define __percpu_kptr __attribute__((btf_type_tag("percpu_kptr")))
#define __uptr __attribute__((btf_type_tag("uptr")))
#define __arg_ctx __attribute__((btf_decl_tag("arg:ctx")))
#define __arg_nonnull __attribute__((btf_decl_tag("arg:nonnull")))
#define __arg_nullable __attribute__((btf_decl_tag("arg:nullable")))
#define __arg_trusted __attribute__((btf_decl_tag("arg:trusted")))
#define __arg_arena __attribute__((btf_decl_tag("arg:arena")))

#ifndef NULL
#define NULL ((void *)0)
#endif
#ifndef offsetof
#define offsetof(type, member) ((unsigned long)&((type *)0)->member)
#endif
#ifndef container_of
#define container_of(ptr, type, member) \
	({ void *___at = (void *)(ptr); ((type *)(___at - offsetof(type, member))); })
#endif

/* Keeps the compiler from reasoning about memory, or about one variable. */
#ifndef barrier
#define barrier() asm volatile("" ::: "memory")
#endif
#ifndef barrier_var
#define barrier_var(var) asm volatile("" : "+r"(var))
#endif

/* `.pinning` of a map definition. */
enum libbpf_pin_type {
	LIBBPF_PIN_NONE,
	LIBBPF_PIN_BY_NAME,
};

enum libbpf_tristate {
	TRI_NO = 0,
	TRI_YES = 1,
	TRI_MODULE = 2,
};

/* How many arguments there are, from 0 to 12. */
#define ___bpf_nth(_0, _1, _2, _3, _4, _5, _6, _7, _8, _9, _a, _b, _c, N, ...) N
#define ___bpf_narg(...) ___bpf_nth(_, ##__VA_ARGS__, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define ___bpf_concat(a, b) a##b
#define ___bpf_apply(fn, n) ___bpf_concat(fn, n)

/* Fills an array of u64 with the arguments. */
#define ___bpf_fill0(arr, i, args...)
#define ___bpf_fill1(arr, i, x) arr[i] = (unsigned long long)x;
#define ___bpf_fill2(arr, i, x, ...) ___bpf_fill1(arr, i, x) ___bpf_fill1(arr, i + 1, __VA_ARGS__)
#define ___bpf_fill3(arr, i, x, ...) ___bpf_fill1(arr, i, x) ___bpf_fill2(arr, i + 1, __VA_ARGS__)
#define ___bpf_fill4(arr, i, x, ...) ___bpf_fill1(arr, i, x) ___bpf_fill3(arr, i + 1, __VA_ARGS__)
#define ___bpf_fill5(arr, i, x, ...) ___bpf_fill1(arr, i, x) ___bpf_fill4(arr, i + 1, __VA_ARGS__)
#define ___bpf_fill6(arr, i, x, ...) ___bpf_fill1(arr, i, x) ___bpf_fill5(arr, i + 1, __VA_ARGS__)
#define ___bpf_fill7(arr, i, x, ...) ___bpf_fill1(arr, i, x) ___bpf_fill6(arr, i + 1, __VA_ARGS__)
#define ___bpf_fill8(arr, i, x, ...) ___bpf_fill1(arr, i, x) ___bpf_fill7(arr, i + 1, __VA_ARGS__)
#define ___bpf_fill9(arr, i, x, ...) ___bpf_fill1(arr, i, x) ___bpf_fill8(arr, i + 1, __VA_ARGS__)
#define ___bpf_fill10(arr, i, x, ...) ___bpf_fill1(arr, i, x) ___bpf_fill9(arr, i + 1, __VA_ARGS__)
#define ___bpf_fill11(arr, i, x, ...) ___bpf_fill1(arr, i, x) ___bpf_fill10(arr, i + 1, __VA_ARGS__)
#define ___bpf_fill12(arr, i, x, ...) ___bpf_fill1(arr, i, x) ___bpf_fill11(arr, i + 1, __VA_ARGS__)
#define ___bpf_fill(arr, args...) ___bpf_apply(___bpf_fill, ___bpf_narg(args))(arr, 0, args)

/* A line for the trace pipe: up to three arguments by trace_printk, more by trace_vprintk (Linux 5.16). */
#define __bpf_printk(fmt, ...) \
	({ static const char ____fmt[] = fmt; bpf_trace_printk(____fmt, sizeof(____fmt), ##__VA_ARGS__); })
#define __bpf_vprintk(fmt, args...) \
	({ \
		static const char ____fmt[] = fmt; \
		unsigned long long ____args[___bpf_narg(args)]; \
		_Pragma("GCC diagnostic push") \
		_Pragma("GCC diagnostic ignored \"-Wint-conversion\"") \
		___bpf_fill(____args, args); \
		_Pragma("GCC diagnostic pop") \
		bpf_trace_vprintk(____fmt, sizeof(____fmt), ____args, sizeof(____args)); \
	})
#define ___bpf_pick_printk(...) \
	___bpf_nth(_, ##__VA_ARGS__, __bpf_vprintk, __bpf_vprintk, __bpf_vprintk, __bpf_vprintk, __bpf_vprintk, \
		   __bpf_vprintk, __bpf_vprintk, __bpf_vprintk, __bpf_vprintk, __bpf_printk, __bpf_printk, __bpf_printk, \
		   __bpf_printk)
#define bpf_printk(fmt, args...) ___bpf_pick_printk(args)(fmt, ##args)

/* snprintf into `out`, which must be an array or come with its size. */
#define BPF_SNPRINTF(out, out_size, fmt, args...) \
	({ \
		static const char ____fmt[] = fmt; \
		unsigned long long ____args[___bpf_narg(args)]; \
		_Pragma("GCC diagnostic push") \
		_Pragma("GCC diagnostic ignored \"-Wint-conversion\"") \
		___bpf_fill(____args, args); \
		_Pragma("GCC diagnostic pop") \
		bpf_snprintf(out, out_size, ____fmt, ____args, sizeof(____args)); \
	})

/* A line of a bpf iterator's output. */
#define BPF_SEQ_PRINTF(seq, fmt, args...) \
	({ \
		static const char ____fmt[] = fmt; \
		unsigned long long ____args[___bpf_narg(args)]; \
		_Pragma("GCC diagnostic push") \
		_Pragma("GCC diagnostic ignored \"-Wint-conversion\"") \
		___bpf_fill(____args, args); \
		_Pragma("GCC diagnostic pop") \
		bpf_seq_printf(seq, ____fmt, sizeof(____fmt), ____args, sizeof(____args)); \
	})

/* Whether a weak extern was found. */
#define bpf_ksym_exists(sym) (!!(sym))

#endif
