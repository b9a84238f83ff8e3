/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/*
 * Arguments of traced functions: registers by position, and function headers that unpack the context. Part of skep.
 *
 * The embedded kernel lays pt_regs out as x86-64 does; compile for another machine's kernel with -D__TARGET_ARCH_arm64.
 */
#ifndef SKEP_BPF_TRACING_H
#define SKEP_BPF_TRACING_H

#include "bpf_helpers.h"

#if defined(__TARGET_ARCH_arm64)
struct user_pt_regs;
#define ___regs(x) ((const struct user_pt_regs *)(x))
#define ___PARM1 regs[0]
#define ___PARM2 regs[1]
#define ___PARM3 regs[2]
#define ___PARM4 regs[3]
#define ___PARM5 regs[4]
#define ___PARM6 regs[5]
#define ___PARM4_SYSCALL regs[3]
#define ___RET regs[30]
#define ___FP regs[29]
#define ___RC regs[0]
#define ___SP sp
#define ___IP pc
#else
#define ___regs(x) (x)
/* The kernel's own struct pt_regs (vmlinux.h) has short names, the one for user space long ones. */
#if defined(__KERNEL__) || defined(__VMLINUX_H__)
#define ___PARM1 di
#define ___PARM2 si
#define ___PARM3 dx
#define ___PARM4 cx
#define ___PARM5 r8
#define ___PARM6 r9
#define ___PARM4_SYSCALL r10
#define ___RET sp
#define ___FP bp
#define ___RC ax
#define ___SP sp
#define ___IP ip
#else
#define ___PARM1 rdi
#define ___PARM2 rsi
#define ___PARM3 rdx
#define ___PARM4 rcx
#define ___PARM5 r8
#define ___PARM6 r9
#define ___PARM4_SYSCALL r10
#define ___RET rsp
#define ___FP rbp
#define ___RC rax
#define ___SP rsp
#define ___IP rip
#endif
#endif

#define PT_REGS_PARM1(x) (___regs(x)->___PARM1)
#define PT_REGS_PARM2(x) (___regs(x)->___PARM2)
#define PT_REGS_PARM3(x) (___regs(x)->___PARM3)
#define PT_REGS_PARM4(x) (___regs(x)->___PARM4)
#define PT_REGS_PARM5(x) (___regs(x)->___PARM5)
#define PT_REGS_PARM6(x) (___regs(x)->___PARM6)
#define PT_REGS_RET(x) (___regs(x)->___RET)
#define PT_REGS_FP(x) (___regs(x)->___FP)
#define PT_REGS_RC(x) (___regs(x)->___RC)
#define PT_REGS_SP(x) (___regs(x)->___SP)
#define PT_REGS_IP(x) (___regs(x)->___IP)

/* A system call's entry function gets one argument: the registers of the caller, to be read by a helper. */
#define PT_REGS_SYSCALL_REGS(ctx) ((struct pt_regs *)PT_REGS_PARM1(ctx))
#define ___core_reg(x, r) ({ unsigned long ___v = 0; bpf_probe_read_kernel(&___v, sizeof(___v), &___regs(x)->r); ___v; })
#define PT_REGS_PARM1_CORE_SYSCALL(x) ___core_reg(x, ___PARM1)
#define PT_REGS_PARM2_CORE_SYSCALL(x) ___core_reg(x, ___PARM2)
#define PT_REGS_PARM3_CORE_SYSCALL(x) ___core_reg(x, ___PARM3)
#define PT_REGS_PARM4_CORE_SYSCALL(x) ___core_reg(x, ___PARM4_SYSCALL)
#define PT_REGS_PARM5_CORE_SYSCALL(x) ___core_reg(x, ___PARM5)
#define PT_REGS_PARM6_CORE_SYSCALL(x) ___core_reg(x, ___PARM6)

/*
 * BPF_KPROBE(name, type a, type b): the probe's function, with the traced function's arguments as parameters.
 * BPF_KRETPROBE(name, type ret) the same for its answer. BPF_PROG for programs whose context is an array of u64
 * (fentry, fexit, tp_btf, raw tracepoints, LSM, struct_ops). `ctx` is there in each.
 */
#define ___kp_args0() ctx
#define ___kp_args1(a) ctx, (void *)PT_REGS_PARM1(ctx)
#define ___kp_args2(a, b) ___kp_args1(a), (void *)PT_REGS_PARM2(ctx)
#define ___kp_args3(a, b, c) ___kp_args2(a, b), (void *)PT_REGS_PARM3(ctx)
#define ___kp_args4(a, b, c, d) ___kp_args3(a, b, c), (void *)PT_REGS_PARM4(ctx)
#define ___kp_args5(a, b, c, d, e) ___kp_args4(a, b, c, d), (void *)PT_REGS_PARM5(ctx)
#define ___kp_args(args...) ___bpf_apply(___kp_args, ___bpf_narg(args))(args)

#define ___bpf_unpack(name, attach, args...) \
	name(struct pt_regs *ctx); \
	static __always_inline typeof(name(0)) ____##name(struct pt_regs *ctx, ##args); \
	typeof(name(0)) name(struct pt_regs *ctx) \
	{ \
		_Pragma("GCC diagnostic push") \
		_Pragma("GCC diagnostic ignored \"-Wint-conversion\"") \
		return ____##name(attach); \
		_Pragma("GCC diagnostic pop") \
	} \
	static __always_inline typeof(name(0)) ____##name(struct pt_regs *ctx, ##args)
#define BPF_KPROBE(name, args...) ___bpf_unpack(name, ___kp_args(args), ##args)
#define BPF_UPROBE(name, args...) BPF_KPROBE(name, ##args)

#define ___krp_args0() ctx
#define ___krp_args1(a) ctx, (void *)PT_REGS_RC(ctx)
#define ___krp_args(args...) ___bpf_apply(___krp_args, ___bpf_narg(args))(args)
#define BPF_KRETPROBE(name, args...) ___bpf_unpack(name, ___krp_args(args), ##args)
#define BPF_URETPROBE(name, args...) BPF_KRETPROBE(name, ##args)

#define ___ks_args0() ctx
#define ___ks_args1(a) ctx, (void *)PT_REGS_PARM1_CORE_SYSCALL(___r)
#define ___ks_args2(a, b) ___ks_args1(a), (void *)PT_REGS_PARM2_CORE_SYSCALL(___r)
#define ___ks_args3(a, b, c) ___ks_args2(a, b), (void *)PT_REGS_PARM3_CORE_SYSCALL(___r)
#define ___ks_args4(a, b, c, d) ___ks_args3(a, b, c), (void *)PT_REGS_PARM4_CORE_SYSCALL(___r)
#define ___ks_args5(a, b, c, d, e) ___ks_args4(a, b, c, d), (void *)PT_REGS_PARM5_CORE_SYSCALL(___r)
#define ___ks_args(args...) ___bpf_apply(___ks_args, ___bpf_narg(args))(args)
/* The entry of a system call by its wrapper (__x64_sys_*), with the call's own arguments. */
#define BPF_KSYSCALL(name, args...) \
	name(struct pt_regs *ctx); \
	static __always_inline typeof(name(0)) ____##name(struct pt_regs *ctx, ##args); \
	typeof(name(0)) name(struct pt_regs *ctx) \
	{ \
		struct pt_regs *___r = PT_REGS_SYSCALL_REGS(ctx); \
		_Pragma("GCC diagnostic push") \
		_Pragma("GCC diagnostic ignored \"-Wint-conversion\"") \
		return ____##name(___ks_args(args)); \
		_Pragma("GCC diagnostic pop") \
	} \
	static __always_inline typeof(name(0)) ____##name(struct pt_regs *ctx, ##args)

#define ___prog_args0() ctx
#define ___prog_args1(a) ctx, (void *)ctx[0]
#define ___prog_args2(a, b) ___prog_args1(a), (void *)ctx[1]
#define ___prog_args3(a, b, c) ___prog_args2(a, b), (void *)ctx[2]
#define ___prog_args4(a, b, c, d) ___prog_args3(a, b, c), (void *)ctx[3]
#define ___prog_args5(a, b, c, d, e) ___prog_args4(a, b, c, d), (void *)ctx[4]
#define ___prog_args6(a, b, c, d, e, f) ___prog_args5(a, b, c, d, e), (void *)ctx[5]
#define ___prog_args7(a, b, c, d, e, f, g) ___prog_args6(a, b, c, d, e, f), (void *)ctx[6]
#define ___prog_args8(a, b, c, d, e, f, g, h) ___prog_args7(a, b, c, d, e, f, g), (void *)ctx[7]
#define ___prog_args(args...) ___bpf_apply(___prog_args, ___bpf_narg(args))(args)
#define BPF_PROG(name, args...) \
	name(unsigned long long *ctx); \
	static __always_inline typeof(name(0)) ____##name(unsigned long long *ctx, ##args); \
	typeof(name(0)) name(unsigned long long *ctx) \
	{ \
		_Pragma("GCC diagnostic push") \
		_Pragma("GCC diagnostic ignored \"-Wint-conversion\"") \
		return ____##name(___prog_args(args)); \
		_Pragma("GCC diagnostic pop") \
	} \
	static __always_inline typeof(name(0)) ____##name(unsigned long long *ctx, ##args)

#endif
