// Callbacks of timers under locks, of user ring buffers, of memory areas.
#include "feature.h"
extern int bpf_task_work_schedule_signal_impl(struct task_struct *task, struct bpf_task_work *tw, void *map__map, bpf_task_work_callback_t callback, void *aux__prog) __ksym;
struct telem { int a; struct bpf_task_work t; long b; };
struct tl { struct bpf_spin_lock l; struct bpf_timer t; };
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 2); __type(key,int); __type(value, struct telem);} tw SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 2); __type(key,int); __type(value, struct tl);} tl SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_USER_RINGBUF); __uint(max_entries, 4096); } rb SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } krb SEC(".maps");
#define GET(m,T) int k=0; struct T *v=bpf_map_lookup_elem(&m,&k); if(!v) return 0;
static int tw64(struct bpf_map *map, void *key, void *value) { unsigned long x = *(long*)(value+24); asm volatile ("r0 = %0\nexit"::"r"(x):"r0"); return 0; }
static int twp(struct bpf_map *map, void *key, void *value) { asm volatile ("r0 = %0\nexit"::"r"(map):"r0"); return 0; }
static int twe(struct bpf_map *map, void *key, void *value) { return bpf_map_update_elem(map,key,value,0); }
SEC("perf_event") int tw_64(void *ctx) { GET(tw,telem) struct task_struct *t=bpf_get_current_task_btf(); bpf_task_work_schedule_signal_impl(t,&v->t,&tw,tw64,0); return 0; }
SEC("perf_event") int tw_p(void *ctx) { GET(tw,telem) struct task_struct *t=bpf_get_current_task_btf(); bpf_task_work_schedule_signal_impl(t,&v->t,&tw,twp,0); return 0; }
SEC("perf_event") int tw_e(void *ctx) { GET(tw,telem) struct task_struct *t=bpf_get_current_task_btf(); bpf_task_work_schedule_signal_impl(t,&v->t,&tw,twe,0); return 0; }
static int tlcb(void *map, int *key, struct tl *v) { bpf_spin_lock(&v->l); return 0; }
static int tlcb2(void *map, int *key, struct tl *v) { bpf_spin_lock(&v->l); bpf_spin_unlock(&v->l); return 0; }
static int tlref(void *map, int *key, struct tl *v) { void *p = bpf_ringbuf_reserve(&krb,8,0); return 0; }
SEC("tc") int tl_l(void *ctx) { GET(tl,tl) bpf_timer_set_callback(&v->t, tlcb); return 0; }
SEC("tc") int tl_l2(void *ctx) { GET(tl,tl) bpf_timer_set_callback(&v->t, tlcb2); return 0; }
SEC("tc") int tl_ref(void *ctx) { GET(tl,tl) bpf_timer_set_callback(&v->t, tlref); return 0; }
SEC("tc") int tl_held(void *ctx) { GET(tl,tl) bpf_spin_lock(&v->l); bpf_timer_set_callback(&v->t, tlref); return 0; }
struct cx { long a; };
static long drain(struct bpf_dynptr *d, void *c) { int x=0; bpf_dynptr_read(&x,4,d,0,0); ((struct cx*)c)->a += x; return 0; }
static long drain2(struct bpf_dynptr *d, void *c) { return 2; }
static long drainrel(struct bpf_dynptr *d, void *c) { bpf_ringbuf_discard_dynptr(d,0); return 0; }
static long drainw(struct bpf_dynptr *d, void *c) { int x=0; bpf_dynptr_write(d,0,&x,4,0); return 0; }
static long drainmake(struct bpf_dynptr *d, void *c) { bpf_ringbuf_reserve_dynptr(&krb,8,0,d); return 0; }
static long drainld(struct bpf_dynptr *d, void *c) { return *(int*)d; }
static long drainst(struct bpf_dynptr *d, void *c) { *(int*)d=0; return 0; }
static long drainoff(struct bpf_dynptr *d, void *c) { int x; bpf_dynptr_read(&x,4,(void*)d+8,0,0); return 0; }
static long drainsl(struct bpf_dynptr *d, void *c) { int *x = bpf_dynptr_data(d,0,4); if (x) return *x&1; return 0; }
#define DR(n,f) SEC("tc") int n(void *ctx) { struct cx c={}; return bpf_user_ringbuf_drain(&rb, f, &c, 0); }
DR(d_ok,drain) DR(d_2,drain2) DR(d_rel,drainrel) DR(d_w,drainw) DR(d_make,drainmake) DR(d_ld,drainld) DR(d_st,drainst) DR(d_off,drainoff) DR(d_sl,drainsl)
SEC("tc") int d_map(void *ctx) { struct cx c={}; return bpf_user_ringbuf_drain(&krb, drain, &c, 0); }
SEC("tc") int d_null(void *ctx) { return bpf_user_ringbuf_drain(&rb, drain, 0, 0); }
static long fv(struct task_struct *t, struct vm_area_struct *vma, void *c) { ((struct cx*)c)->a = vma->vm_start; return 0; }
static long fvw(struct task_struct *t, struct vm_area_struct *vma, void *c) { vma->vm_start=0; return 0; }
static long fv2(struct task_struct *t, struct vm_area_struct *vma, void *c) { return 2; }
static long fvt(struct task_struct *t, struct vm_area_struct *vma, void *c) { return t->pid & 1; }
#define FV(n,f) SEC("perf_event") int n(void *ctx) { struct cx c={}; struct task_struct *t=bpf_get_current_task_btf(); bpf_find_vma(t, 0, f, &c, 0); return c.a==7; }
FV(f_ok,fv) FV(f_w,fvw) FV(f_2,fv2) FV(f_t,fvt)
SEC("perf_event") int f_lock(void *ctx) { struct task_struct *t=bpf_get_current_task_btf(); bpf_find_vma(t, 0, fv, 0, 0); return 0; }
