// IRQ flags and resilient spin locks.
#include "feature.h"
extern void bpf_local_irq_save(unsigned long *) __ksym;
extern void bpf_local_irq_restore(unsigned long *) __ksym;
extern int bpf_res_spin_lock(struct bpf_res_spin_lock *) __ksym;
extern void bpf_res_spin_unlock(struct bpf_res_spin_lock *) __ksym;
extern int bpf_res_spin_lock_irqsave(struct bpf_res_spin_lock *, unsigned long *) __ksym;
extern void bpf_res_spin_unlock_irqrestore(struct bpf_res_spin_lock *, unsigned long *) __ksym;
extern void bpf_preempt_disable(void) __ksym; extern void bpf_preempt_enable(void) __ksym;
extern void bpf_rcu_read_lock(void) __ksym; extern void bpf_rcu_read_unlock(void) __ksym;
extern void *bpf_obj_new_impl(u64 local_type_id, void *meta) __ksym;
extern void bpf_obj_drop_impl(void *kptr, void *meta) __ksym;
extern int bpf_copy_from_user_str(void *dst, u32, const void *, u64) __ksym;
extern void bpf_throw(u64) __ksym;
struct e { int a; struct bpf_res_spin_lock l; };
struct e2 { struct bpf_spin_lock l; int a; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 2); __type(key,int); __type(value, struct e);} arr SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 2); __type(key,int); __type(value, struct e);} h SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 2); __type(key,int); __type(value, struct e2);} s SEC(".maps");
private(A) struct bpf_res_spin_lock gA; private(A) int gx; private(B) struct bpf_res_spin_lock gB;
private(C) struct bpf_spin_lock gC;
struct obj { long x; struct bpf_res_spin_lock l; };
#define S(n, body) SEC("?tc") int n(struct __sk_buff *ctx) { unsigned long f1, f2, f3; int k=0; body; return 0; }
S(i_ok, bpf_local_irq_save(&f1); bpf_local_irq_restore(&f1))
S(i_nest, bpf_local_irq_save(&f1); bpf_local_irq_save(&f2); bpf_local_irq_save(&f3); bpf_local_irq_restore(&f3); bpf_local_irq_restore(&f2);bpf_local_irq_restore(&f1))
S(i_ooo, bpf_local_irq_save(&f1); bpf_local_irq_save(&f2); bpf_local_irq_restore(&f1); bpf_local_irq_restore(&f2))
S(i_leak, bpf_local_irq_save(&f1))
S(i_leak2, bpf_local_irq_save(&f1);bpf_local_irq_save(&f2); bpf_local_irq_restore(&f2))
S(i_same, bpf_local_irq_save(&f1);bpf_local_irq_save(&f1);)
S(i_unin, bpf_local_irq_restore(&f1);)
S(i_twice, bpf_local_irq_save(&f1);bpf_local_irq_restore(&f1);bpf_local_irq_restore(&f1);)
S(i_notstack, bpf_local_irq_save((void*)ctx);)
S(i_rnotstack, bpf_local_irq_restore((void*)ctx);)
S(i_overw, bpf_local_irq_save(&f1); *(volatile long*)&f1=1; bpf_local_irq_restore(&f1);)
S(i_overwb, bpf_local_irq_save(&f1); *(volatile char*)&f1=1; )
S(i_read, bpf_local_irq_save(&f1); k = *(volatile long*)&f1; bpf_local_irq_restore(&f1);)
S(i_helperr, bpf_local_irq_save(&f1); bpf_map_lookup_elem(&arr, &f1); bpf_local_irq_restore(&f1);)
S(i_var, volatile long b[4]; unsigned x=ctx->len&24; bpf_local_irq_save((void*)b+x))
S(i_mis, char b[32]; bpf_local_irq_save((void*)b+4))
S(i_br, if (ctx->len) bpf_local_irq_save(&f1); else bpf_local_irq_save(&f1); bpf_local_irq_restore(&f1))
S(i_br2, if (ctx->len) bpf_local_irq_save(&f1);  bpf_local_irq_restore(&f1))
static __attribute__((noinline)) int isub(unsigned long *f) { bpf_local_irq_save(f); return 0; }
static __attribute__((noinline)) int irest(unsigned long *f) { bpf_local_irq_restore(f); return 0; }
__attribute__((noinline)) int iglob(int x) { unsigned long f; bpf_local_irq_save(&f); bpf_local_irq_restore(&f); asm volatile(""); return x; }
__attribute__((noinline)) int gsleep(int x) { char c[8]; bpf_copy_from_user(c,8,(void*)16); return x; }
S(i_sub, isub(&f1); irest(&f1))
S(i_subleak, isub(&f1);)
S(i_glob, bpf_local_irq_save(&f1); k=iglob(3);  bpf_local_irq_restore(&f1))
S(i_throw, bpf_local_irq_save(&f1); bpf_throw(0))
SEC("?syscall") int i_sleeph(void *ctx) { unsigned long f; char c[8]; bpf_local_irq_save(&f); bpf_copy_from_user(c,8,(void*)16); bpf_local_irq_restore(&f); return 0; }
SEC("?syscall") int i_sleepk(void *ctx) { unsigned long f; char c[8]; bpf_local_irq_save(&f); bpf_copy_from_user_str(c,8,(void*)16,0); bpf_local_irq_restore(&f); return 0; }
SEC("?syscall") int i_sleepg(void *ctx) { unsigned long f; char c[8]; bpf_local_irq_save(&f); gsleep(2); bpf_local_irq_restore(&f); return 0; }
SEC("?syscall") int i_sleepok(void *ctx) { unsigned long f; char c[8]; bpf_local_irq_save(&f); bpf_local_irq_restore(&f);  bpf_copy_from_user(c,8,(void*)16); return 0; }
S(i_lock, struct e2 *v=bpf_map_lookup_elem(&s,&k); if (!v) return 0; bpf_spin_lock(&v->l); bpf_local_irq_save(&f1);)
S(i_loop, for (int i=0;i<5;i++) { bpf_local_irq_save(&f1);  bpf_local_irq_restore(&f1);})
S(i_loopleak, for (int i=0;i<ctx->len;i++) { bpf_local_irq_save(&f1);  })
// res
#define GET(m,T) struct T *v=bpf_map_lookup_elem(&m,&k); if(!v) return 0;
S(r_ok, GET(arr,e) if (bpf_res_spin_lock(&v->l)) return 0; v->a=1; bpf_res_spin_unlock(&v->l))
S(r_nochk, GET(arr,e) bpf_res_spin_lock(&v->l); bpf_res_spin_unlock(&v->l))
S(r_leak, GET(arr,e) bpf_res_spin_lock(&v->l);)
S(r_leak2, GET(arr,e) if (!bpf_res_spin_lock(&v->l)) return 0; )
S(r_aa, GET(arr,e) if (bpf_res_spin_lock(&v->l)) return 0; if (!bpf_res_spin_lock(&v->l)) bpf_res_spin_unlock(&v->l); bpf_res_spin_unlock(&v->l);)
S(r_ab, GET(arr,e) if (bpf_res_spin_lock(&v->l)) return 0; if (!bpf_res_spin_lock(&gA)) bpf_res_spin_unlock(&gA); bpf_res_spin_unlock(&v->l);)
S(r_ooo, GET(arr,e) if (bpf_res_spin_lock(&v->l)) return 0; if (bpf_res_spin_lock(&gA)) { bpf_res_spin_unlock(&v->l); return 0;} bpf_res_spin_unlock(&v->l); bpf_res_spin_unlock(&gA);)
S(r_unl, GET(arr,e) bpf_res_spin_unlock(&v->l);)
S(r_diff, GET(arr,e) if (bpf_res_spin_lock(&v->l)) return 0; bpf_res_spin_unlock(&gA);)
S(r_off, GET(arr,e) if (bpf_res_spin_lock((void*)&v->a)) return 0;)
S(r_stack, struct bpf_res_spin_lock l={}; bpf_res_spin_lock(&l))
S(r_helper, GET(arr,e) if (bpf_res_spin_lock(&v->l)) return 0; bpf_ktime_get_ns(); bpf_res_spin_unlock(&v->l))
S(r_null, struct e *v=bpf_map_lookup_elem(&h,&k); if (bpf_res_spin_lock((void*)v)) return 0;)
S(r_irq, GET(arr,e) if (bpf_res_spin_lock_irqsave(&v->l,&f1)) return 0; bpf_res_spin_unlock_irqrestore(&v->l,&f1))
S(r_irqleak, GET(arr,e) if (bpf_res_spin_lock_irqsave(&v->l,&f1)) return 0;)
S(r_irqmix, GET(arr,e) if (bpf_res_spin_lock_irqsave(&v->l,&f1)) return 0; bpf_res_spin_unlock(&v->l);)
S(r_irqmix2, GET(arr,e) if (bpf_res_spin_lock_irqsave(&v->l,&f1)) return 0; bpf_local_irq_restore(&f1);)
S(r_irqmix3, GET(arr,e) bpf_local_irq_save(&f1); if (bpf_res_spin_lock(&v->l)) {bpf_local_irq_restore(&f1); return 0;} bpf_res_spin_unlock_irqrestore(&v->l,&f1);)
S(r_irqmix4, GET(arr,e) bpf_local_irq_save(&f1); if (bpf_res_spin_lock(&v->l)) {bpf_local_irq_restore(&f1); return 0;} bpf_res_spin_unlock(&v->l); bpf_local_irq_restore(&f1);)
S(r_spin, if (bpf_res_spin_lock(&gA)) return 0; bpf_spin_lock(&gC); bpf_spin_unlock(&gC); bpf_res_spin_unlock(&gA))
S(r_spin2, bpf_spin_lock(&gC); if (!bpf_res_spin_lock(&gA)) bpf_res_spin_unlock(&gA); bpf_spin_unlock(&gC);)
S(r_obj, struct obj *o=bpf_obj_new_impl(bpf_core_type_id_local(struct obj),0); if (!o) return 0; if (!bpf_res_spin_lock(&o->l)) bpf_res_spin_unlock(&o->l); bpf_obj_drop_impl(o,0))
S(r_glob, if (bpf_res_spin_lock(&gA)) return 0; gx=1; bpf_res_spin_unlock(&gA))
S(r_load, GET(arr,e) return *(int*)&v->l;)
S(r_ret, GET(arr,e) k = bpf_res_spin_lock(&v->l); if (k < 0) return k == -5000; bpf_res_spin_unlock(&v->l))
S(r_var, GET(arr,e) bpf_res_spin_lock((void*)v+(ctx->len&7)))
SEC("?perf_event") int r_trace(void *ctx) { int k=0; GET(arr,e) if (bpf_res_spin_lock(&v->l)) return 0; bpf_res_spin_unlock(&v->l); return 0; }
SEC("?socket") int r_sock(void *ctx) { int k=0; GET(arr,e) if (bpf_res_spin_lock(&v->l)) return 0; bpf_res_spin_unlock(&v->l); return 0; }
SEC("?syscall") int r_sleep(void *ctx) { int k=0; GET(arr,e) if (bpf_res_spin_lock(&v->l)) return 0; bpf_res_spin_unlock(&v->l); return 0; }
S(m1, bpf_local_irq_save(&f1); if (bpf_res_spin_lock_irqsave(&gA,&f2)) {bpf_local_irq_restore(&f1); return 0;} bpf_res_spin_unlock_irqrestore(&gA,&f1);)
S(m2, if (bpf_res_spin_lock_irqsave(&gA,&f2)) {return 0;} if (bpf_res_spin_lock_irqsave(&gB,&f1)) {bpf_res_spin_unlock_irqrestore(&gA,&f2); return 0; } bpf_res_spin_unlock_irqrestore(&gB,&f2); bpf_res_spin_unlock_irqrestore(&gA,&f1);)
S(m3, if (bpf_res_spin_lock_irqsave(&gA,&f2)) {return 0;} if (bpf_res_spin_lock(&gB)) {bpf_res_spin_unlock_irqrestore(&gA,&f2); return 0; } bpf_res_spin_unlock(&gB); bpf_res_spin_unlock_irqrestore(&gA,&f2);)
S(m4, if (bpf_res_spin_lock_irqsave(&gA,&f1)) {return 0;} if (bpf_res_spin_lock(&gA)) {bpf_res_spin_unlock_irqrestore(&gA,&f1); return 0; } bpf_res_spin_unlock(&gA); bpf_res_spin_unlock_irqrestore(&gA,&f1);)
