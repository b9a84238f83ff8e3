// Exceptions, and the callback that ends a program that threw.
#include "feature.h"
extern void bpf_throw(u64 cookie) __ksym;
extern void bpf_rcu_read_lock(void) __ksym; extern void bpf_rcu_read_unlock(void) __ksym;
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } krb SEC(".maps");
#define N __attribute__((noinline)) int
N cb_ok(u64 c) { return c & 1; }
N cb_const(u64 c) { return 0; }
N cb_big(u64 c) { return 64; }
N cb_noarg(void) { return 0; }
N cb_two(u64 c, u64 d) { return 0; }
N cb_ptr(int *c) { return 0; }
static N cb_static(u64 c) { asm volatile(""); return 0; }
N cb_throw(u64 c) { bpf_throw(c); return 0; }
N cb_ref(u64 c) { void *p = bpf_ringbuf_reserve(&krb,8,0); return 0; }
N cb_unk(u64 c) { return bpf_get_prandom_u32(); }
N cb_called(u64 c) { asm volatile(""); return 0; }
N sub_throw(u64 c) { if (c > 3) bpf_throw(c); return c; }
static N st_throw(u64 c) { if (c > 3) bpf_throw(c); asm volatile(""); return c; }
SEC("?tc") __exception_cb(cb_ok) int e_ok(struct __sk_buff *s) { bpf_throw(s->len); return 0; }
SEC("?tc") __exception_cb(cb_const) int e_const(struct __sk_buff *s) { bpf_throw(s->len); return 0; }
SEC("?tc") __exception_cb(cb_big) int e_big(struct __sk_buff *s) { bpf_throw(s->len); return 0; }
SEC("?tc") __exception_cb(cb_noarg) int e_noarg(struct __sk_buff *s) { bpf_throw(s->len); return 0; }
SEC("?tc") __exception_cb(cb_two) int e_two(struct __sk_buff *s) { bpf_throw(s->len); return 0; }
SEC("?tc") __exception_cb(cb_ptr) int e_ptr(struct __sk_buff *s) { bpf_throw(s->len); return 0; }
SEC("?tc") __exception_cb(cb_throw) int e_throw(struct __sk_buff *s) { bpf_throw(s->len); return 0; }
SEC("?tc") __exception_cb(cb_ref) int e_ref(struct __sk_buff *s) { bpf_throw(s->len); return 0; }
SEC("?tc") __exception_cb(cb_unk) int e_unk(struct __sk_buff *s) { bpf_throw(s->len); return 0; }
SEC("?tc") __exception_cb(cb_called) int e_called(struct __sk_buff *s) { return cb_called(1); }
SEC("?tc") __exception_cb(cb_ok) int e_nothrow(struct __sk_buff *s) { return 0; }
SEC("?tc") __exception_cb(cb_ok) int e_sub(struct __sk_buff *s) { return sub_throw(s->len); }
SEC("?tc") __exception_cb(cb_ok) int e_st(struct __sk_buff *s) { return st_throw(s->len); }
SEC("?tc") __exception_cb(cb_ok) __exception_cb(cb_const) int e_multi(struct __sk_buff *s) { bpf_throw(s->len); return 0; }
SEC("?cgroup_skb/ingress") __exception_cb(cb_big) int cg_big(struct __sk_buff *s) { bpf_throw(s->len); return 0; }
SEC("?cgroup_skb/ingress") __exception_cb(cb_ok) int cg_ok(struct __sk_buff *s) { bpf_throw(s->len); return 0; }
SEC("?cgroup_skb/ingress") __exception_cb(cb_unk) int cg_unk(struct __sk_buff *s) { bpf_throw(s->len); return 0; }
SEC("?cgroup_skb/ingress") int cg_def(struct __sk_buff *s) { bpf_throw(s->len); return 0; }
SEC("?cgroup_skb/ingress") int cg_def1(struct __sk_buff *s) { bpf_throw(1); return 0; }
SEC("?cgroup_skb/ingress") int cg_defsub(struct __sk_buff *s) { return sub_throw(s->len)&1; }
SEC("?tc") int d_ref(struct __sk_buff *s) { void *p = bpf_ringbuf_reserve(&krb,8,0); bpf_throw(0); return 0; }
SEC("?tc") int d_rcu(struct __sk_buff *s) { bpf_rcu_read_lock(); bpf_throw(0); return 0; }
SEC("?tc") int d_subrcu(struct __sk_buff *s) { bpf_rcu_read_lock(); sub_throw(2); bpf_rcu_read_unlock(); return 0; }
SEC("?tc") int d_subref(struct __sk_buff *s) { void *p = bpf_ringbuf_reserve(&krb,8,0);  if (!p) return 0; sub_throw(2); bpf_ringbuf_discard(p,0); return 0; }
SEC("?tc") int d_stref(struct __sk_buff *s) { void *p = bpf_ringbuf_reserve(&krb,8,0);  if (!p) return 0; st_throw(s->len); bpf_ringbuf_discard(p,0); return 0; }
static long lcb(int i, void *c) { bpf_throw(1); return 0; }
static long lcb2(int i, void *c) { return sub_throw(1); }
SEC("?tc") int d_loop(struct __sk_buff *s) { bpf_loop(3, lcb, 0,0); return 0; }
SEC("?tc") int d_loop2(struct __sk_buff *s) { bpf_loop(3, lcb2, 0,0); return 0; }
SEC("?tc") __exception_cb(cb_ok) int e_cbld(struct __sk_buff *s) { bpf_loop(3, (void*)cb_ok, 0,0); return 0; }
SEC("?tc") __exception_cb(cb_static) int e_static(struct __sk_buff *s) { bpf_throw(s->len); return st_throw(2)+cb_static(3); }
SEC("?tc") __exception_cb(e_ok) int e_notcalled(struct __sk_buff *s) { bpf_throw(s->len); return 0; }
N cb_stack(u64 c) { char b[480]={}; asm volatile(""::"r"(b)); return 0; }
SEC("?tc") __exception_cb(cb_stack) int e_stack(struct __sk_buff *s) { char b[400]={}; asm volatile(""::"r"(b));bpf_throw(s->len); return 0; }
SEC("?tp_btf/task_newtask") __exception_cb(cb_big) int tp_big(void *s) { bpf_throw(1); return 0; }
