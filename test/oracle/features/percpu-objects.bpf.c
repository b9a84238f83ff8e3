// Objects of which every CPU has its own.
#include "feature.h"
extern void *bpf_percpu_obj_new_impl(u64 local_type_id, void *meta) __ksym;
extern void bpf_percpu_obj_drop_impl(void *kptr, void *meta) __ksym;
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
struct val { long a; long b; };
struct elem { struct val __percpu_kptr *p; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key,int); __type(value, struct elem);} arr SEC(".maps");
#define TID(T) __builtin_btf_type_id(*(T*)0, 0)
SEC("tc") int p_new(void *ctx) { struct val *p = bpf_percpu_obj_new_impl(bpf_core_type_id_local(struct val),0); if (!p) return 0; int k=0; struct elem *e=bpf_map_lookup_elem(&arr,&k); if (!e) { bpf_percpu_obj_drop_impl(p,0); return 0; } struct val *o = bpf_kptr_xchg(&e->p,p); if (o) bpf_percpu_obj_drop_impl(o,0); return 0; }
SEC("tc") int p_get(void *ctx) { int k=0; struct elem *e=bpf_map_lookup_elem(&arr,&k); if (!e) return 0; struct val *p = e->p; if (!p) return 0; struct val *v = bpf_this_cpu_ptr(p); v->a = 5; v = bpf_per_cpu_ptr(p,1); if (v) v->b=1; return 0; }
SEC("tc") int p_deref(void *ctx) { int k=0; struct elem *e=bpf_map_lookup_elem(&arr,&k); if (!e) return 0; struct val *p = e->p; if (!p) return 0; return p->a; }
SEC("tc") int p_null(void *ctx) { int k=0; struct elem *e=bpf_map_lookup_elem(&arr,&k); if (!e) return 0; struct val *p = e->p; struct val *v = bpf_this_cpu_ptr(p); v->a = 5; return 0; }
SEC("tc") int p_own(void *ctx) { struct val *p = bpf_percpu_obj_new_impl(bpf_core_type_id_local(struct val),0); if (!p) return 0; struct val *v=bpf_this_cpu_ptr(p); v->a=1; bpf_percpu_obj_drop_impl(p,0); return 0; }
SEC("tc") int p_after(void *ctx) { struct val *p = bpf_percpu_obj_new_impl(bpf_core_type_id_local(struct val),0); if (!p) return 0; struct val *v=bpf_this_cpu_ptr(p);  bpf_percpu_obj_drop_impl(p,0); v->a=1; return 0; }
SEC("?syscall") int p_sleep(void *ctx) { int k=0; struct elem *e=bpf_map_lookup_elem(&arr,&k); if (!e) return 0; struct val *p = e->p; if (!p) return 0; struct val *v = bpf_this_cpu_ptr(p); v->a = 5; return 0; }
SEC("?syscall") int p_sleeprcu(void *ctx) { int k=0; struct elem *e=bpf_map_lookup_elem(&arr,&k); if (!e) return 0; bpf_rcu_read_lock(); struct val *p = e->p; if (!p) {bpf_rcu_read_unlock(); return 0;} struct val *v = bpf_this_cpu_ptr(p); v->a = 5; bpf_rcu_read_unlock();  return 0; }
SEC("?syscall") int p_sleepafter(void *ctx) { int k=0; struct elem *e=bpf_map_lookup_elem(&arr,&k); if (!e) return 0; bpf_rcu_read_lock(); struct val *p = e->p; if (!p) {bpf_rcu_read_unlock(); return 0;} struct val *v = bpf_this_cpu_ptr(p);  bpf_rcu_read_unlock(); v->a = 5; return 0; }
