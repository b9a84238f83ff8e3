/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/*
 * Static probes of programs (USDT, <sys/sdt.h>): what their arguments are. Part of skep.
 *
 *     SEC("usdt//usr/bin/app:provider:request")
 *     int BPF_USDT(on_request, int id, const char *path) { … }
 *
 * A probe is a no-op in the program and a note that says where its arguments lie: in registers, in memory, nowhere
 * (constants). Whoever attaches writes the note's words into __bpf_usdt_specs, one record per kind of place, and gives
 * each place the number of its record as cookie. Names and layouts are those of libbpf's header of this name, so that
 * its loader serves these programs too. It takes Linux 5.15, where attachments have cookies.
 */
#ifndef SKEP_USDT_BPF_H
#define SKEP_USDT_BPF_H

#include "bpf_helpers.h"
#include "bpf_tracing.h"

/* Different kinds of places that the programs of this object can be attached to at a time. */
#ifndef BPF_USDT_MAX_SPEC_CNT
#define BPF_USDT_MAX_SPEC_CNT 256
#endif
#define BPF_USDT_MAX_ARG_CNT 12

enum __bpf_usdt_arg_type {
	BPF_USDT_ARG_CONST,
	BPF_USDT_ARG_REG,
	BPF_USDT_ARG_REG_DEREF,
	BPF_USDT_ARG_SIB,
};

struct __bpf_usdt_arg_spec {
	__u64 val_off;			/* the constant, or what is added to the address */
	__u32 arg_type : 8;		/* enum __bpf_usdt_arg_type */
	__u32 idx_reg_off : 12;		/* the index register's place in struct pt_regs */
	__u32 scale_bitshift : 4;	/* the index counts 1 << this many bytes */
	__u32 __reserved : 8;
	short reg_off;			/* the register's place in struct pt_regs */
	_Bool arg_signed;
	char arg_bitshift;		/* bits of the 64 that the argument does not have */
};

struct __bpf_usdt_spec {
	struct __bpf_usdt_arg_spec args[BPF_USDT_MAX_ARG_CNT];
	__u64 usdt_cookie;
	short arg_cnt;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BPF_USDT_MAX_SPEC_CNT);
	__type(key, int);
	__type(value, struct __bpf_usdt_spec);
} __bpf_usdt_specs SEC(".maps") __weak;

/* The record of the place that fired; NULL where nobody wrote one. */
static __always_inline const struct __bpf_usdt_spec *___usdt_spec(struct pt_regs *ctx)
{
	int id = bpf_get_attach_cookie(ctx);

	return bpf_map_lookup_elem(&__bpf_usdt_specs, &id);
}

static __always_inline long ___usdt_register(struct pt_regs *ctx, unsigned int at, unsigned long *value)
{
	return bpf_probe_read_kernel(value, sizeof(*value), (void *)ctx + at);
}

/* How many arguments the probe has; -3 (ESRCH) where nothing is known of it. */
__weak __hidden int bpf_usdt_arg_cnt(struct pt_regs *ctx)
{
	const struct __bpf_usdt_spec *spec = ___usdt_spec(ctx);

	return spec ? spec->arg_cnt : -3;
}

/*
 * Argument `arg_num`, the first is 0, as a 64-bit number: smaller ones are extended as their type says. 0, or -2 (ENOENT)
 * where the probe has no such argument, -3 (ESRCH) where nothing is known of it, -14 (EFAULT) where its memory is not there.
 */
__weak __hidden int bpf_usdt_arg(struct pt_regs *ctx, __u64 arg_num, long *res)
{
	const struct __bpf_usdt_spec *spec = ___usdt_spec(ctx);
	const struct __bpf_usdt_arg_spec *arg;
	unsigned long value = 0, index = 0;
	long err = 0;

	*res = 0;
	if (!spec)
		return -3;
	/* Known to be small for the verifier, whatever the compiler makes of the comparison. */
	barrier_var(arg_num);
	if (arg_num >= BPF_USDT_MAX_ARG_CNT)
		return -2;
	barrier_var(arg_num);
	if (arg_num >= spec->arg_cnt)
		return -2;
	arg = &spec->args[arg_num];
	if (arg->arg_type == BPF_USDT_ARG_CONST) {
		value = arg->val_off;
	} else {
		err = ___usdt_register(ctx, arg->reg_off, &value);
		if (!err && arg->arg_type == BPF_USDT_ARG_SIB)
			err = ___usdt_register(ctx, arg->idx_reg_off, &index);
		if (!err && arg->arg_type != BPF_USDT_ARG_REG) {
			value += arg->val_off + (index << arg->scale_bitshift);
			err = bpf_probe_read_user(&value, sizeof(value), (const void *)value);
		}
		if (err)
			return err;
	}
	value <<= arg->arg_bitshift;
	*res = arg->arg_signed ? (long)value >> arg->arg_bitshift : (long)(value >> arg->arg_bitshift);
	return 0;
}

/* What the one who attached gave as cookie; -3 (ESRCH) where nothing is known of the probe. */
__weak __hidden long bpf_usdt_cookie(struct pt_regs *ctx)
{
	const struct __bpf_usdt_spec *spec = ___usdt_spec(ctx);

	return spec ? (long)spec->usdt_cookie : -3;
}

#define ___usdt_arg(n) ({ long ___v = 0; bpf_usdt_arg(ctx, n, &___v); (void *)___v; })
#define ___usdt_args0() ctx
#define ___usdt_args1(a) ctx, ___usdt_arg(0)
#define ___usdt_args2(a, b) ___usdt_args1(a), ___usdt_arg(1)
#define ___usdt_args3(a, b, c) ___usdt_args2(a, b), ___usdt_arg(2)
#define ___usdt_args4(a, b, c, d) ___usdt_args3(a, b, c), ___usdt_arg(3)
#define ___usdt_args5(a, b, c, d, e) ___usdt_args4(a, b, c, d), ___usdt_arg(4)
#define ___usdt_args6(a, b, c, d, e, f) ___usdt_args5(a, b, c, d, e), ___usdt_arg(5)
#define ___usdt_args7(a, b, c, d, e, f, g) ___usdt_args6(a, b, c, d, e, f), ___usdt_arg(6)
#define ___usdt_args8(a, b, c, d, e, f, g, h) ___usdt_args7(a, b, c, d, e, f, g), ___usdt_arg(7)
#define ___usdt_args9(a, b, c, d, e, f, g, h, i) ___usdt_args8(a, b, c, d, e, f, g, h), ___usdt_arg(8)
#define ___usdt_args10(a, b, c, d, e, f, g, h, i, j) ___usdt_args9(a, b, c, d, e, f, g, h, i), ___usdt_arg(9)
#define ___usdt_args11(a, b, c, d, e, f, g, h, i, j, k) ___usdt_args10(a, b, c, d, e, f, g, h, i, j), ___usdt_arg(10)
#define ___usdt_args12(a, b, c, d, e, f, g, h, i, j, k, l) \
	___usdt_args11(a, b, c, d, e, f, g, h, i, j, k), ___usdt_arg(11)
#define ___usdt_args(args...) ___bpf_apply(___usdt_args, ___bpf_narg(args))(args)

/* A program at a probe, with the probe's arguments as parameters; those that it has not are 0. `ctx` is there too. */
#define BPF_USDT(name, args...) ___bpf_unpack(name, ___usdt_args(args), ##args)

#endif
