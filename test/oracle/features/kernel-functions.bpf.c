// Iterators of every kind, and kernel functions by what their parameters are called.
#include "feature.h"
#define K extern __attribute__((section(".ksyms")))
K int bpf_iter_task_new(struct bpf_iter_task *it, struct task_struct *task__nullable, unsigned int flags);
K struct task_struct *bpf_iter_task_next(struct bpf_iter_task *it); K void bpf_iter_task_destroy(struct bpf_iter_task *it);
K int bpf_iter_task_vma_new(struct bpf_iter_task_vma *it, struct task_struct *task, u64 addr); K struct vm_area_struct *bpf_iter_task_vma_next(struct bpf_iter_task_vma *it); K void bpf_iter_task_vma_destroy(struct bpf_iter_task_vma *it);
K int bpf_iter_css_new(struct bpf_iter_css *it, struct cgroup_subsys_state *start, unsigned int flags); K struct cgroup_subsys_state *bpf_iter_css_next(struct bpf_iter_css *it); K void bpf_iter_css_destroy(struct bpf_iter_css *it);
K int bpf_iter_css_task_new(struct bpf_iter_css_task *it, struct cgroup_subsys_state *css, unsigned int flags); K struct task_struct *bpf_iter_css_task_next(struct bpf_iter_css_task *it); K void bpf_iter_css_task_destroy(struct bpf_iter_css_task *it);
K int bpf_iter_bits_new(struct bpf_iter_bits *it, const u64 *unsafe_ptr__ign, u32 nr_words); K int *bpf_iter_bits_next(struct bpf_iter_bits *it); K void bpf_iter_bits_destroy(struct bpf_iter_bits *it);
K int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end); K int *bpf_iter_num_next(struct bpf_iter_num *it); K void bpf_iter_num_destroy(struct bpf_iter_num *it);
K int bpf_iter_kmem_cache_new(struct bpf_iter_kmem_cache *it); K struct kmem_cache *bpf_iter_kmem_cache_next(struct bpf_iter_kmem_cache *it); K void bpf_iter_kmem_cache_destroy(struct bpf_iter_kmem_cache *it);
K int bpf_iter_dmabuf_new(struct bpf_iter_dmabuf *it) __weak; K struct dma_buf *bpf_iter_dmabuf_next(struct bpf_iter_dmabuf *it) __weak; K void bpf_iter_dmabuf_destroy(struct bpf_iter_dmabuf *it) __weak;
K void bpf_rcu_read_lock(void); K void bpf_rcu_read_unlock(void);
K struct cgroup *bpf_cgroup_from_id(u64 id); K void bpf_cgroup_release(struct cgroup *); K struct task_struct *bpf_task_from_pid(s32 pid); K void bpf_task_release(struct task_struct*); K struct task_struct *bpf_task_acquire(struct task_struct*);
K struct kmem_cache *bpf_get_kmem_cache(u64 addr);
K int bpf_strcmp(const char *a, const char *b); K int bpf_strnlen(const char *a, size_t n); K int bpf_strlen(const char *a); K int bpf_strchr(const char *, char); K int bpf_strstr(const char*,const char*); K int bpf_strnchr(const char*, size_t, char);K int bpf_strspn(const char*,const char*);
K struct cgroup *bpf_task_get_cgroup1(struct task_struct *task, int hierarchy_id);
K int bpf_dynptr_adjust(const struct bpf_dynptr *p, u32 start, u32 end); K bool bpf_dynptr_is_null(const struct bpf_dynptr *p); K bool bpf_dynptr_is_rdonly(const struct bpf_dynptr *p); K u32 bpf_dynptr_size(const struct bpf_dynptr *p); K int bpf_dynptr_clone(const struct bpf_dynptr *p, struct bpf_dynptr *c); K int bpf_dynptr_copy(struct bpf_dynptr *d, u32 o, struct bpf_dynptr *s, u32 so, u32 n); K int bpf_dynptr_memset(struct bpf_dynptr *d, u32 o, u32 s, u8 v);
K void *bpf_dynptr_slice(const struct bpf_dynptr *p, u32 offset, void *buffer, u32 buffer__szk); K int bpf_dynptr_from_skb(struct __sk_buff *skb, u64 flags, struct bpf_dynptr *ptr);
K int bpf_copy_from_user_str(void *dst, u32 dst__sz, const void *unsafe_ptr__ign, u64 flags);
K int bpf_copy_from_user_dynptr(struct bpf_dynptr *d, u32 off, u32 size, const void *unsafe);
K struct bpf_key *bpf_lookup_system_key(u64 id); K void bpf_key_put(struct bpf_key*); K int bpf_verify_pkcs7_signature(struct bpf_dynptr *d, struct bpf_dynptr *s, struct bpf_key *k);
K struct bpf_cpumask *bpf_cpumask_create(void); K void bpf_cpumask_release(struct bpf_cpumask*); K int bpf_cpumask_populate(struct cpumask *cpumask, void *src, size_t src__sz); K u32 bpf_cpumask_weight(const struct cpumask *);
K int bpf_get_dentry_xattr(struct dentry *, const char *, struct bpf_dynptr *);
K void *bpf_cast_to_kern_ctx(void *); K void *bpf_rdonly_cast(const void *, u32); K void bpf_preempt_disable(void); K void bpf_preempt_enable(void);
K s64 bpf_map_sum_elem_count(const struct bpf_map *map); K int bpf_stream_vprintk_impl(int stream_id, const char *fmt__str, const void *args, u32 len__sz, void *aux__prog);
K __u64 *bpf_session_cookie(void) __weak; K struct bpf_crypto_ctx *bpf_crypto_ctx_create(const struct bpf_crypto_params *p, u32 p__sz, int *err); K void bpf_crypto_ctx_release(struct bpf_crypto_ctx*);
K int bpf_probe_read_user_dynptr(struct bpf_dynptr *d, u32 off, u32 size, const void *p); K int bpf_send_signal_task(struct task_struct *task, int sig, enum pid_type type, u64 value); K struct file *bpf_get_task_exe_file(struct task_struct *task);
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 2); __type(key,int); __type(value, long);} h SEC(".maps");
#define P(n, ...) SEC("?perf_event") int n(void *ctx) { struct task_struct *cur = bpf_get_current_task_btf(); int s=0; __VA_ARGS__; return s; }
#define S(n, ...) SEC("?syscall") int n(void *ctx) { struct task_struct *cur = bpf_get_current_task_btf(); int s=0; __VA_ARGS__; return s; }
#define C(n, ...) SEC("?tc") int n(struct __sk_buff *ctx) { int s=0; __VA_ARGS__; return s; }
P(task, struct bpf_iter_task it; struct task_struct *t; bpf_iter_task_new(&it, 0, 0); while ((t=bpf_iter_task_next(&it))) s+=t->pid; bpf_iter_task_destroy(&it))
P(task_thr, struct bpf_iter_task it; struct task_struct *t; bpf_iter_task_new(&it, cur, 1); while ((t=bpf_iter_task_next(&it))) s+=t->pid; bpf_iter_task_destroy(&it))
S(task_norcu, struct bpf_iter_task it; struct task_struct *t; bpf_iter_task_new(&it, 0, 0); while ((t=bpf_iter_task_next(&it))) s+=t->pid; bpf_iter_task_destroy(&it))
S(task_rcu, struct bpf_iter_task it; struct task_struct *t; bpf_rcu_read_lock(); bpf_iter_task_new(&it, 0, 0); while ((t=bpf_iter_task_next(&it))) s+=t->pid; bpf_iter_task_destroy(&it); bpf_rcu_read_unlock())
S(task_rcu2, struct bpf_iter_task it; struct task_struct *t; bpf_rcu_read_lock(); bpf_iter_task_new(&it, 0, 0); bpf_rcu_read_unlock(); bpf_rcu_read_lock(); while ((t=bpf_iter_task_next(&it))) s+=t->pid; bpf_iter_task_destroy(&it); bpf_rcu_read_unlock())
P(task_acq, struct bpf_iter_task it; struct task_struct *t; bpf_iter_task_new(&it, 0, 0); while ((t=bpf_iter_task_next(&it))) { struct task_struct *a=bpf_task_acquire(t); if (a) bpf_task_release(a);} bpf_iter_task_destroy(&it))
P(vma, struct bpf_iter_task_vma it; struct vm_area_struct *t; bpf_iter_task_vma_new(&it, cur, 0); while ((t=bpf_iter_task_vma_next(&it))) s+=t->vm_start; bpf_iter_task_vma_destroy(&it))
P(vma_leak, struct bpf_iter_task_vma it; struct vm_area_struct *t; bpf_iter_task_vma_new(&it, cur, 0); while ((t=bpf_iter_task_vma_next(&it))) s+=t->vm_start; )
P(css, struct cgroup *cg=bpf_cgroup_from_id(1); if (!cg) return 0; struct bpf_iter_css it; struct cgroup_subsys_state *t; bpf_iter_css_new(&it, &cg->self, 1); while ((t=bpf_iter_css_next(&it))) s+=t->id; bpf_iter_css_destroy(&it); bpf_cgroup_release(cg))
S(css_s, struct cgroup *cg=bpf_cgroup_from_id(1); if (!cg) return 0; struct bpf_iter_css it; struct cgroup_subsys_state *t; bpf_iter_css_new(&it, &cg->self, 1); while ((t=bpf_iter_css_next(&it))) s+=t->id; bpf_iter_css_destroy(&it); bpf_cgroup_release(cg))
S(csst, struct cgroup *cg=bpf_cgroup_from_id(1); if (!cg) return 0; struct bpf_iter_css_task it; struct task_struct *t; bpf_iter_css_task_new(&it, &cg->self, 1); while ((t=bpf_iter_css_task_next(&it))) s+=t->pid; bpf_iter_css_task_destroy(&it); bpf_cgroup_release(cg))
P(bits, u64 w[2]={1,2}; struct bpf_iter_bits it; int *t; bpf_iter_bits_new(&it, w, 2); while ((t=bpf_iter_bits_next(&it))) s+=*t; bpf_iter_bits_destroy(&it))
P(bits2, struct bpf_iter_bits it; int *t; bpf_iter_bits_new(&it, (void*)&cur->flags, 2); while ((t=bpf_iter_bits_next(&it))) *t=1; bpf_iter_bits_destroy(&it))
P(num, struct bpf_iter_num it; int *t; bpf_iter_num_new(&it, 0, 10); while ((t=bpf_iter_num_next(&it))) s+=*t; bpf_iter_num_destroy(&it))
P(kmem, struct bpf_iter_kmem_cache it; struct kmem_cache *t; bpf_iter_kmem_cache_new(&it); while ((t=bpf_iter_kmem_cache_next(&it))) s+=t->size; bpf_iter_kmem_cache_destroy(&it))
S(kmem_s, struct bpf_iter_kmem_cache it; struct kmem_cache *t; bpf_iter_kmem_cache_new(&it); while ((t=bpf_iter_kmem_cache_next(&it))) s+=t->size; bpf_iter_kmem_cache_destroy(&it))
S(dmabuf, struct bpf_iter_dmabuf it; struct dma_buf *t; bpf_iter_dmabuf_new(&it); while ((t=bpf_iter_dmabuf_next(&it))) s+=t->size; bpf_iter_dmabuf_destroy(&it))
P(kc, struct kmem_cache *k = bpf_get_kmem_cache((u64)cur); if (k) s=k->size)
P(scmp, s=bpf_strcmp("a","b")) P(scmp2, s=bpf_strcmp(cur->comm,"b")) P(scmp3, char b[4]; s=bpf_strcmp(b,"b")) P(scmp4, s=bpf_strcmp((void*)77,"b")) P(scmp5, s=bpf_strcmp((void*)cur->pid,"b")) P(slen, s=bpf_strlen("abc")) P(snlen, s=bpf_strnlen(cur->comm,5)) P(schr, s=bpf_strchr("abc",'b')) P(sstr, s=bpf_strstr("abc","b")) P(snchr, s=bpf_strnchr("abc",3,'c')) P(snull, s=bpf_strlen(0)) P(sctx, s=bpf_strlen(ctx)) P(sspn, s=bpf_strspn("aab","a"))
C(sc_tc, s=bpf_strcmp("a","b"))
char gb[64];
#define DP struct bpf_dynptr d; bpf_dynptr_from_mem(gb,64,0,&d);
P(dadj, DP s=bpf_dynptr_adjust(&d,1,5)) P(dnull, DP s=bpf_dynptr_is_null(&d)+bpf_dynptr_is_rdonly(&d)+bpf_dynptr_size(&d)) P(dcl, DP struct bpf_dynptr e; bpf_dynptr_clone(&d,&e); s=bpf_dynptr_size(&e)) P(dcp, DP struct bpf_dynptr e; bpf_dynptr_clone(&d,&e); s=bpf_dynptr_copy(&d,0,&e,4,8)) P(dms, DP s=bpf_dynptr_memset(&d,0,8,1)) P(dun, struct bpf_dynptr d; s=bpf_dynptr_size(&d)) P(dclun, struct bpf_dynptr d; struct bpf_dynptr e; s=bpf_dynptr_clone(&d,&e)) P(dclself, DP s=bpf_dynptr_clone(&d,&d))
P(dsl, DP int *p=bpf_dynptr_slice(&d,0,0,4); if (p) s=*p) P(dslbig, DP int *p=bpf_dynptr_slice(&d,0,0,4); if (p) s=p[1]) P(dslb, DP char b[4]={}; int *p=bpf_dynptr_slice(&d,0,b,4); if (p) s=*p) P(dslvar, DP char b[4]={}; int *p=bpf_dynptr_slice(&d,0,0,cur->pid); if (p) s=*p) P(dslw, DP int *p=bpf_dynptr_slice(&d,0,0,4); if (p) *p=1)
C(dskb, struct bpf_dynptr d; bpf_dynptr_from_skb(ctx,0,&d); int *p=bpf_dynptr_slice(&d,0,0,4); if (p) s=*p)
S(cfus, char b[16]; s=bpf_copy_from_user_str(b,16,(void*)8,0)) S(cfus0, char b[16]; s=bpf_copy_from_user_str(b,0,(void*)8,0)) P(cfusP, char b[16]; s=bpf_copy_from_user_str(b,16,(void*)8,0)) S(cfud, DP s=bpf_copy_from_user_dynptr(&d,0,4,(void*)8)) P(prud, DP s=bpf_probe_read_user_dynptr(&d,0,4,(void*)8))
S(key, struct bpf_key *k=bpf_lookup_system_key(0); if (!k) return 0; DP s=bpf_verify_pkcs7_signature(&d,&d,k); bpf_key_put(k)) S(keyn, DP s=bpf_verify_pkcs7_signature(&d,&d,0)) S(keyleak, struct bpf_key *k=bpf_lookup_system_key(0);)
P(cm, struct bpf_cpumask *m=bpf_cpumask_create(); if (!m) return 0; s=bpf_cpumask_weight((void*)m); bpf_cpumask_release(m)) P(cmpop, struct bpf_cpumask *m=bpf_cpumask_create(); if (!m) return 0; s=bpf_cpumask_populate((void*)m,gb,64); bpf_cpumask_release(m)) P(cmcur, s=bpf_cpumask_weight(cur->cpus_ptr)) P(cmcur2, s=bpf_cpumask_weight(&cur->cpus_mask))
P(msum, s=bpf_map_sum_elem_count((void*)&h)) P(kctx, struct bpf_perf_event_data_kern *k=bpf_cast_to_kern_ctx(ctx); s=k->data!=0) C(kctx2, struct sk_buff *k=bpf_cast_to_kern_ctx(ctx); s=k->len)
P(rc, struct task_struct *t=bpf_rdonly_cast(cur, bpf_core_type_id_kernel(struct task_struct)); s=t->pid) P(rcv, int *t=bpf_rdonly_cast(cur, 0); s=*t) P(rcu_, int *t=bpf_rdonly_cast((void*)77, 0); s=t[5]) P(rcbad, int *t=bpf_rdonly_cast(cur, 0x7fffffff); s=t[5]) P(rcw, int *t=bpf_rdonly_cast(cur, 0); *t=1)
P(pre, bpf_preempt_disable(); bpf_preempt_disable(); bpf_preempt_enable(); bpf_preempt_enable()) P(sig, s=bpf_send_signal_task(cur,9,0,0)) P(strm, s=bpf_stream_vprintk_impl(1,"a %d",0,0,0))
S(cry, struct bpf_crypto_params p={}; int e; struct bpf_crypto_ctx *c=bpf_crypto_ctx_create(&p,sizeof p,&e); if (c) bpf_crypto_ctx_release(c)) P(cg1, struct cgroup *c=bpf_task_get_cgroup1(cur,0); if (c) bpf_cgroup_release(c))
P(tfp, struct task_struct *t=bpf_task_from_pid(1); if (t) {s=t->pid; bpf_task_release(t);}) P(tfpl, struct task_struct *t=bpf_task_from_pid(1);  s=t->pid; bpf_task_release(t);) P(relnull, bpf_task_release(0)) P(relcur, bpf_task_release(cur)) P(acqwalk, struct task_struct *t=bpf_task_acquire(cur->real_parent); if (t) bpf_task_release(t)) P(acqwalk2, struct task_struct *t=bpf_task_acquire(cur->last_wakee); if (t) bpf_task_release(t))
S(acqs, struct task_struct *t=bpf_task_acquire(cur->real_parent); if (t) bpf_task_release(t)) S(acqs2, bpf_rcu_read_lock(); struct task_struct *t=bpf_task_acquire(cur->real_parent); bpf_rcu_read_unlock(); if (t) bpf_task_release(t))
