// Structures of operations: which members, which arguments, which writes.
#include "feature.h"
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
#define OPS(s) SEC(".struct_ops.link") struct s
SEC("struct_ops/test_1") int test_1(u64 *ctx) { struct bpf_dummy_ops_state *s=(void*)ctx[0]; if (!s) return 0xf2f3f4f5; int v=s->val; s->val=0x5a; return v; }
SEC("struct_ops/test_2") int test_2(u64 *ctx) { struct bpf_dummy_ops_state *s=(void*)ctx[0]; int a=ctx[1]; u16 b=ctx[2]; return a+b+(u8)ctx[3]+ctx[4]+s->val; }
SEC("struct_ops.s/test_sleepable") int test_sleepable(u64 *ctx) { char b[8]; bpf_copy_from_user(b,8,(void*)8); return 0; }
SEC("struct_ops/test_1") int t1_nonull(u64 *ctx) { struct bpf_dummy_ops_state *s=(void*)ctx[0]; return s->val; }
SEC("struct_ops/test_1") int t1_oob(u64 *ctx) { struct bpf_dummy_ops_state *s=(void*)ctx[0]; if (!s) return 0; ((int*)s)[4]=3; return 0; }
SEC("struct_ops/test_1") int t1_arg2(u64 *ctx) { return ctx[1]; }
SEC("struct_ops/test_2") int t2_wr(u64 *ctx) { struct bpf_dummy_ops_state *s=(void*)ctx[0]; s->val=1; return 0; }
SEC("struct_ops/test_2") int t2_many(u64 *ctx) { return ctx[5]; }
SEC("struct_ops.s/test_1") int t1_sleep(u64 *ctx) { return 0; }
SEC("struct_ops/test_1") int t1_tail(u64 *ctx) { return 99; }
SEC("struct_ops/test_1") int t1_ctxwr(u64 *ctx) { ctx[0]=1; return 99; }
SEC("struct_ops/test_1") int t1_narrow(u64 *ctx) { return *(int*)ctx; }
SEC("struct_ops/test_2") int t2_narrow(u64 *ctx) { return *(int*)&ctx[1] + *(char*)&ctx[3]; }
SEC("struct_ops/ssthresh") u32 ssthresh(u64 *ctx) { struct sock *sk=(void*)ctx[0]; struct tcp_sock *tp=(void*)sk; return tp->snd_cwnd; }
SEC("struct_ops/cong_avoid") void cong_avoid(u64 *ctx) { struct tcp_sock *tp=(void*)ctx[0]; tp->snd_cwnd = 5; }
SEC("struct_ops/init") void init_(u64 *ctx) { struct inet_connection_sock *tp=(void*)ctx[0]; tp->icsk_ca_priv[0]=1; }
SEC("struct_ops/init") void initbad(u64 *ctx) { struct inet_connection_sock *tp=(void*)ctx[0]; tp->icsk_rto=1; }
SEC("struct_ops/get_info") u64 getinfo(u64 *ctx) { u32 *p=(void*)ctx[2]; return 0; }
SEC("struct_ops/pkts_acked") void acked(u64 *ctx) { struct ack_sample *s=(void*)ctx[1]; struct tcp_sock *tp=(void*)ctx[0]; tp->snd_ssthresh=s->pkts_acked; }
SEC("struct_ops/cong_control") void ctl(u64 *ctx) { const struct rate_sample *rs=(void*)ctx[3]; struct tcp_sock *tp=(void*)ctx[0]; tp->snd_cwnd=rs->delivered; }
SEC("struct_ops.s/cwnd_event") void cwsl(u64 *ctx) { }
OPS(bpf_dummy_ops) d1 = {.test_1=(void*)test_1,.test_2=(void*)test_2,.test_sleepable=(void*)test_sleepable};
OPS(bpf_dummy_ops) d2 = {.test_1=(void*)t1_nonull,.test_2=(void*)t2_wr};
OPS(bpf_dummy_ops) d3 = {.test_1=(void*)t1_oob,.test_2=(void*)t2_many};
OPS(bpf_dummy_ops) d4 = {.test_1=(void*)t1_arg2,.test_2=(void*)t2_narrow};
OPS(bpf_dummy_ops) d5 = {.test_1=(void*)t1_sleep}; OPS(bpf_dummy_ops) d6 = {.test_1=(void*)t1_tail}; OPS(bpf_dummy_ops) d7 = {.test_1=(void*)t1_ctxwr}; OPS(bpf_dummy_ops) d8 = {.test_1=(void*)t1_narrow};
OPS(tcp_congestion_ops) c1 = {.ssthresh=(void*)ssthresh,.cong_avoid=(void*)cong_avoid,.init=(void*)init_,.pkts_acked=(void*)acked, .cong_control=(void*)ctl, .name="x", .cwnd_event=(void*)cwsl};
OPS(tcp_congestion_ops) c2 = {.init=(void*)initbad, .get_info=(void*)getinfo, .name="y"};
SEC("struct_ops/enqueue") int enq(u64 *ctx) { return 0; }
OPS(Qdisc_ops) q = {.enqueue=(void*)enq};
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 2); __type(key,int); __type(value, long);} arr SEC(".maps");
SEC("struct_ops/test_1") int k1(u64 *ctx) { return bpf_ktime_get_ns(); }
SEC("struct_ops/test_1") int m1(u64 *ctx) { int k=0; return bpf_map_lookup_elem(&arr,&k)!=0; }
SEC("struct_ops/test_1") int r1(u64 *ctx) { bpf_rcu_read_lock(); bpf_rcu_read_unlock(); return 0; }
SEC("struct_ops/test_1") int pidtgid(u64 *ctx) { return bpf_get_current_pid_tgid(); }
OPS(bpf_dummy_ops) e1 = {.test_1=(void*)k1}; OPS(bpf_dummy_ops) e2 = {.test_1=(void*)m1}; OPS(bpf_dummy_ops) e3 = {.test_1=(void*)r1};OPS(bpf_dummy_ops) e4 = {.test_1=(void*)pidtgid};
#define M(n) SEC("struct_ops/" #n) int f_##n(u64 *ctx) { return 0; } OPS(tcp_congestion_ops) o_##n = {.n=(void*)f_##n, .name="x"};
M(ssthresh) M(cong_avoid) M(set_state) M(cwnd_event) M(in_ack_event) M(pkts_acked) M(min_tso_segs) M(cong_control) M(undo_cwnd) M(sndbuf_expand) M(get_info) M(init) M(release)
