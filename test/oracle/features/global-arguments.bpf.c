// What global functions may be given: trusted, untrusted, nullable, in an arena, dynptrs.
#include "feature.h"
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;
struct task_struct___local { int pid; } __attribute__((preserve_access_index));
struct nosuchstruct { int a; };
struct inner { int x; };
#define G __attribute__((noinline)) int
#define U asm volatile("":::"memory");
G g_tr(struct task_struct *t __arg_trusted) { return t->pid; }
G g_trnull(struct task_struct *t __arg_trusted __arg_nullable) { if (!t) return 0; return t->pid; }
G g_trnullnc(struct task_struct *t __arg_trusted __arg_nullable) { return t->pid; }
G g_trnn(struct task_struct *t __arg_trusted __arg_nonnull) { return t->pid; }
G g_tracq(struct task_struct *t __arg_trusted) { struct task_struct *p = bpf_task_acquire(t); if (p) bpf_task_release(p); return 0; }
G g_trrel(struct task_struct *t __arg_trusted) { bpf_task_release(t); return 0; }
G g_trlocal(struct task_struct___local *t __arg_trusted) { return t->pid; }
G g_trnosuch(struct nosuchstruct *t __arg_trusted) { return t->a; }
G g_trint(int *t __arg_trusted) { return *t; }
G g_trwr(struct task_struct *t __arg_trusted) { t->pid=0; return 0; }
G g_un(struct task_struct *t __arg_untrusted) { return t->pid; }
G g_unwr(struct task_struct *t __arg_untrusted) { t->pid=0; return 0; }
G g_unint(int *t __arg_untrusted) { return t[100000]; }
G g_unintw(int *t __arg_untrusted) { *t=1; return 0; }
G g_unvoid(void *t __arg_untrusted) { return *(char*)(t+4); }
G g_unnull(struct task_struct *t __arg_untrusted __arg_nullable) { return t->pid; }
G g_unnosuch(struct nosuchstruct *t __arg_untrusted) { return t->a; }
G g_unptr(int **t __arg_untrusted) { return (long)t[1]; }
G g_nn(int *t __arg_nonnull) { return *t; }
G g_null(int *t __arg_nullable) { if (!t) return 0; return *t; }
G g_ctxnn(struct __sk_buff *t __arg_ctx __arg_nonnull) { return t->len; }
G g_ctxv(void *t __arg_ctx) { return ((struct __sk_buff*)t)->len; }
G g_ctxbad(struct xdp_md *t __arg_ctx) { return t->data; }
G g_ctxint(int *t __arg_ctx) { return 0; }
G g_ctxscalar(int t __arg_ctx) { return 0; }
G g_trscalar(int t __arg_trusted) { return 0; }
G g_weird(int *t __tag("arg:wibble")) { return *t; }
G g_dyn(struct bpf_dynptr *d) { int x=0; bpf_dynptr_read(&x,4,d,0,0); return x; }
G g_dync(const struct bpf_dynptr *d) { int x=0; bpf_dynptr_read(&x,4,d,0,0); return x; }
G g_dyntag(const struct bpf_dynptr *d __arg_nonnull) { return 0; }
G g_dynld(const struct bpf_dynptr *d) { return *(int*)d; }
G g_dynsl(const struct bpf_dynptr *d) { int *x = bpf_dynptr_data(d,0,4); return x?*x:0; }
G g_arena(int *a __arg_arena) { return a!=0; }
G g_arenald(int *a __arg_arena) { return *(int __attribute__((address_space(1)))*)a; }
G g_arenann(int *a __arg_arena __arg_nonnull) { return a!=0; }
G g_struct(struct inner s) { return s.x; }
static __attribute__((noinline)) int s_tag(int *t __arg_nonnull) { asm volatile(""); return *t; }
#define T(n, body) SEC("?tp_btf/task_newtask") int n(unsigned long long *ctx) { struct task_struct *task = (void*)ctx[0]; U body }
T(tr, return g_tr(task);) T(tr_null, return g_tr(0);) T(tr_scalar, return g_tr((void*)123);) T(tr_walk, return g_tr(task->parent);) T(tr_ctx, return g_tr((void*)ctx);)
T(tr_stack, struct inner i={}; return g_tr((void*)&i);) T(tr_off, return g_tr((void*)task+8);) T(tr_other, return g_tr((void*)task->mm);)
T(trnull, return g_trnull(task);) T(trnull0, return g_trnull(0);) T(trnullnc, return g_trnullnc(0);) T(trnn, return g_trnn(task);)
T(tracq, return g_tracq(task);) T(trrel, return g_trrel(task);) T(trlocal, return g_trlocal((void*)task);) T(trnosuch, return g_trnosuch((void*)task);) T(trint, return g_trint((void*)task);) T(trwr, return g_trwr(task);)
T(un, return g_un(task);) T(un_sc, return g_un((void*)77);) T(unwr, return g_unwr(task);) T(unint, return g_unint((void*)task);) T(unintw, return g_unintw((void*)task);) T(unvoid, return g_unvoid(task);) T(unnull, return g_unnull(task);) T(unnosuch, return g_unnosuch((void*)task);) T(unptr, return g_unptr((void*)task);)
#define S(n, body) SEC("?tc") int n(struct __sk_buff *ctx) { int v = ctx->len; U body }
S(nn, return g_nn(&v);) S(nn0, return g_nn(0);) S(null, return g_null(&v);) S(null0, return g_null(0);) S(nn_sc, return g_nn((void*)(long)v);) S(nn_ctx, return g_nn((void*)ctx);)
S(ctxnn, return g_ctxnn(ctx);) S(ctxv, return g_ctxv(ctx);) S(ctxv_b, return g_ctxv(&v);) S(ctxbad, return g_ctxbad((void*)ctx);) S(ctxint, return g_ctxint((void*)ctx);) S(ctxscalar, return g_ctxscalar(3);) S(trscalar, return g_trscalar(3);) S(weird, return g_weird(&v);)
#define DD struct bpf_dynptr d; char buf[16]={}; static char gb[16];
char gb[16];
#define D(n,f) S(n, struct bpf_dynptr d; bpf_dynptr_from_mem(gb,16,0,&d); return f(&d);)
D(dyn,g_dyn) D(dync,g_dync) D(dyntag,g_dyntag) D(dynld,g_dynld) D(dynsl,g_dynsl)
S(dyn_un, struct bpf_dynptr d; return g_dyn(&d);) S(dyn_bad, return g_dyn((void*)&v);) S(dyn_0, return g_dyn(0);) S(dyn_ctx, return g_dyn((void*)ctx);)
S(arena, return g_arena((void*)8);) S(arena_st, return g_arena(&v);) S(arenald, return g_arenald(0);) S(arenann, return g_arenann(0);)
S(strct, struct inner i={v}; return g_struct(i);)
S(stag, return s_tag(&v);)
