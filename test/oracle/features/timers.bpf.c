// Timers, workqueues and task work: fields of map values, and callbacks that run later.
#include "feature.h"
extern int bpf_wq_init(struct bpf_wq *wq, void *p__map, unsigned int flags) __ksym;
extern int bpf_wq_start(struct bpf_wq *wq, unsigned int flags) __ksym;
extern int bpf_wq_set_callback_impl(struct bpf_wq *wq, int (callback_fn)(void *map, int *key, void *value), unsigned int flags__k, void *aux__ign) __ksym;
extern int bpf_task_work_schedule_signal_impl(struct task_struct *task, struct bpf_task_work *tw, void *map__map, bpf_task_work_callback_t callback, void *aux__prog) __ksym;
extern int bpf_task_work_schedule_resume_impl(struct task_struct *task, struct bpf_task_work *tw, void *map__map, bpf_task_work_callback_t callback, void *aux__prog) __ksym;
struct elem { int a; struct bpf_wq t; int b; };
struct telem { int a; struct bpf_task_work t; int b; };
struct tmr { int a; struct bpf_timer t; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 2); __type(key,int); __type(value, struct elem);} arr SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 2); __type(key,int); __type(value, struct elem);} hash SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 2); __type(key,int); __type(value, struct telem);} tw SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 2); __type(key,int); __type(value, struct telem);} twa SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 2); __type(key,int); __type(value, struct tmr);} ta SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 2); __type(key,int); __uint(value_size, 32);} nb SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 2); __type(key,int); __type(value, long);} nt SEC(".maps");
static int cb(void *map, int *key, void *v) { ((struct elem*)v)->a++; return 0; }
static int cbbad(void *map, int *key, void *v) { return 5; }
static int cbctx(void *map, int *key, void *v) { return (long)v; }
static int cbsleep(void *map, int *key, void *v) { char c[8]; bpf_copy_from_user(c,8,(void*)16); return 0; }
static int self(void *map, int *key, void *v) { struct elem *e=v; bpf_wq_init(&e->t, &hash,0); bpf_wq_set_callback_impl(&e->t, self, 0, 0); bpf_wq_start(&e->t,0); return 0; }
#define GET(m,T) int k=0; struct T *v=bpf_map_lookup_elem(&m,&k); if(!v) return 0;
SEC("tc") int wq_ok(void *ctx) { GET(arr,elem) bpf_wq_init(&v->t,&arr,0); bpf_wq_set_callback_impl(&v->t,cb,0,0); bpf_wq_start(&v->t,0); return 0; }
SEC("tc") int wq_sleep(void *ctx) { GET(arr,elem) bpf_wq_init(&v->t,&arr,0); bpf_wq_set_callback_impl(&v->t,cbsleep,0,0); bpf_wq_start(&v->t,0); return 0; }
SEC("tc") int wq_self(void *ctx) { GET(hash,elem) bpf_wq_init(&v->t,&hash,0); bpf_wq_set_callback_impl(&v->t,self,0,0); bpf_wq_start(&v->t,0); return 0; }
SEC("tc") int wq_bad(void *ctx) { GET(arr,elem) bpf_wq_set_callback_impl(&v->t,cbbad,0,0); return 0; }
SEC("tc") int wq_ctx(void *ctx) { GET(arr,elem) bpf_wq_set_callback_impl(&v->t,cbctx,0,0); return 0; }
SEC("tc") int wq_off(void *ctx) { GET(arr,elem) bpf_wq_init((void*)&v->a,&arr,0); return 0; }
SEC("tc") int wq_other(void *ctx) { GET(arr,elem) bpf_wq_init(&v->t,&hash,0); return 0; }
SEC("tc") int wq_notmap(void *ctx) { struct bpf_wq w={}; bpf_wq_init(&w,&arr,0); return 0; }
SEC("tc") int wq_none(void *ctx) { GET(nt,elem) bpf_wq_init((void*)v,&nt,0); return 0; }
SEC("tc") int wq_nomap(void *ctx) { GET(arr,elem) bpf_wq_init(&v->t,v,0); return 0; }
SEC("tc") int wq_flags(void *ctx) { GET(arr,elem) bpf_wq_set_callback_impl(&v->t,cb,v->a,0); return 0; }
SEC("tc") int wq_var(struct __sk_buff *ctx) { GET(arr,elem) unsigned x = ctx->len & 7; bpf_wq_start((void*)v+x,0); return 0; }
SEC("tc") int wq_load(struct __sk_buff *ctx) { GET(arr,elem) return *(int*)&v->t; }
SEC("tc") int wq_nocb(struct __sk_buff *ctx) { GET(arr,elem) bpf_wq_set_callback_impl(&v->t,(void*)v,0,0); return 0; }
SEC("perf_event") int wq_tracing(void *ctx) { GET(arr,elem) return 0; }
SEC("perf_event") int t_tracing(void *ctx) { GET(ta,tmr) return 0; }
static int tcb(void *map, int *key, struct tmr *v) { return 0; }
static int tctx(void *map, int *key, void *v) { return (long)v; }
SEC("tc") int t_ctx(void *ctx) { GET(ta,tmr) bpf_timer_set_callback(&v->t,tctx); return 0; }
SEC("tc") int t_other(void *ctx) { GET(ta,tmr) bpf_timer_init(&v->t,&arr,0); return 0; }
SEC("tc") int t_none(void *ctx) { GET(nt,tmr) bpf_timer_init((void*)v,&nt,0); return 0; }
SEC("tc") int t_nobtf(void *ctx) { GET(nb,tmr) bpf_timer_init((void*)v,&nt,0); return 0; }
SEC("tc") int t_var(struct __sk_buff *ctx) { GET(ta,tmr) unsigned x = ctx->len & 7; bpf_timer_cancel((void*)v+x); return 0; }
SEC("tc") int t_stack(struct __sk_buff *ctx) { GET(ta,tmr) struct bpf_timer t={}; bpf_timer_cancel(&t); return 0; }
SEC("tc") int t_lock(struct __sk_buff *ctx) { GET(ta,tmr) return *(char*)&v->t; }
static int twcb(struct bpf_map *map, void *key, void *value) { char c[8]; bpf_copy_from_user(c,8,(void*)16); return 0; }
static int twbad(struct bpf_map *map, void *key, void *value) { return 1; }
SEC("perf_event") int tw_ok(void *ctx) { GET(tw,telem) struct task_struct *t=bpf_get_current_task_btf(); bpf_task_work_schedule_signal_impl(t,&v->t,&tw,twcb,0); return 0; }
SEC("perf_event") int tw_res(void *ctx) { GET(twa,telem) struct task_struct *t=bpf_get_current_task_btf(); bpf_task_work_schedule_resume_impl(t,&v->t,&twa,twcb,0); return 0; }
SEC("perf_event") int tw_bad(void *ctx) { GET(tw,telem) struct task_struct *t=bpf_get_current_task_btf(); bpf_task_work_schedule_signal_impl(t,&v->t,&tw,twbad,0); return 0; }
SEC("perf_event") int tw_null(void *ctx) { int k=0; struct telem *v=bpf_map_lookup_elem(&tw,&k); struct task_struct *t=bpf_get_current_task_btf(); bpf_task_work_schedule_signal_impl(t,&v->t,&tw,twcb,0); return 0; }
SEC("perf_event") int tw_other(void *ctx) { GET(tw,telem) struct task_struct *t=bpf_get_current_task_btf(); bpf_task_work_schedule_signal_impl(t,&v->t,&twa,twcb,0); return 0; }
SEC("perf_event") int tw_off(void *ctx) { GET(tw,telem) struct task_struct *t=bpf_get_current_task_btf(); bpf_task_work_schedule_signal_impl(t,(void*)&v->a,&twa,twcb,0); return 0; }
SEC("perf_event") int tw_stack(void *ctx) { GET(tw,telem) struct task_struct *t=bpf_get_current_task_btf(); struct bpf_task_work w={}; bpf_task_work_schedule_signal_impl(t,&w,&twa,twcb,0); return 0; }
SEC("perf_event") int tw_load(void *ctx) { GET(tw,telem) return *(int*)&v->t; }
