// Parameters that a tag says are the context, by program type.
#include "feature.h"
#define G __attribute__((noinline)) int
union my_uu { int a; };
typedef struct __sk_buff skb_t;

#define F(n,type) G g_##n(type x __arg_ctx) { asm volatile(""::"r"(x)); return 0; }
F(v,void*) F(i,int*) F(ui,unsigned*) F(l,long*) F(ul,u64*) F(sk,struct __sk_buff*) F(csk,const struct __sk_buff*) F(tsk,skb_t*) F(x,struct xdp_md*) F(pt,struct pt_regs*) F(upt,bpf_user_pt_regs_t*) F(pe,struct bpf_perf_event_data*) F(rt,struct bpf_raw_tracepoint_args*) F(s,int) F(un,union my_uu*) F(ta,struct task_struct*) F(upr, struct user_pt_regs*) F(tb, struct trace_event_raw_sys_enter*)
#define P(sec,id) \
 SEC("?" sec) int id##_v(void *c) { return g_v(c); } SEC("?" sec) int id##_i(void *c) { return g_i(c); } SEC("?" sec) int id##_ui(void *c) { return g_ui(c); } \
 SEC("?" sec) int id##_l(void *c) { return g_l(c); } SEC("?" sec) int id##_ul(void *c) { return g_ul(c); } SEC("?" sec) int id##_sk(void *c) { return g_sk(c); } SEC("?" sec) int id##_csk(void *c) { return g_csk(c); } SEC("?" sec) int id##_tsk(void *c) { return g_tsk(c); }\
 SEC("?" sec) int id##_x(void *c) { return g_x(c); } SEC("?" sec) int id##_pt(void *c) { return g_pt(c); } SEC("?" sec) int id##_upt(void *c) { return g_upt(c); } SEC("?" sec) int id##_pe(void *c) { return g_pe(c); } \
 SEC("?" sec) int id##_rt(void *c) { return g_rt(c); } SEC("?" sec) int id##_s(void *c) { return g_s((long)c); } SEC("?" sec) int id##_un(void *c) { return g_un(c); } SEC("?" sec) int id##_ta(void *c) { return g_ta(c); }  SEC("?" sec) int id##_tb(void *c) { return g_tb(c); }
P("tc",tc) P("kprobe",kp_) P("perf_event",pe) P("tp/syscalls/sys_enter_openat",tp) P("raw_tp/sys_enter",rtp) P("tp_btf/task_newtask",tb) P("syscall",sc) P("iter/task",it) 
