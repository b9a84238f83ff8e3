// Arenas, and pointers to user memory, which the reference kernel takes for numbers.
#include "feature.h"
#define __arena __attribute__((address_space(1)))
#define K extern __attribute__((section(".ksyms")))
K void __arena *bpf_arena_alloc_pages(void *map, void __arena *addr, u32 page_cnt, int node_id, u64 flags); K void bpf_arena_free_pages(void *map, void __arena *ptr, u32 page_cnt); K int bpf_arena_reserve_pages(void *map, void __arena *ptr, u32 page_cnt);
struct { __uint(type, BPF_MAP_TYPE_ARENA); __uint(map_flags, BPF_F_MMAPABLE); __uint(max_entries, 100); __ulong(map_extra, 0x100000000000); } arena SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARENA); __uint(map_flags, BPF_F_MMAPABLE); __uint(max_entries, 100); __ulong(map_extra, 0x200000000000); } arena2 SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 2); __type(key,int); __type(value, long);} arr SEC(".maps");
#define S(n, ...) SEC("?syscall") int n(void *ctx) { int s=0; __VA_ARGS__; return s; }
#define C(n, ...) SEC("?tc") int n(struct __sk_buff *ctx) { int s=0; __VA_ARGS__; return s; }
struct sl {long a; short b;};
S(a1, int __arena *p = bpf_arena_alloc_pages(&arena,0,1,-1,0); if (!p) return 1; *p=5; s=p[1]; bpf_arena_free_pages(&arena,(void __arena*)p,1))
S(a2, int __arena *p = bpf_arena_alloc_pages(&arena,0,1,-1,0); *p=5; s=p[100000])
C(a3, int __arena *p = bpf_arena_alloc_pages(&arena,0,1,-1,0); *p=5)
S(a4, int __arena *p = (int __arena*)(long)bpf_get_prandom_u32(); *p=5; (void)&arena; bpf_arena_free_pages(&arena,(void __arena*)p,1))
S(a5, int __arena *p = bpf_arena_alloc_pages(&arr,0,1,-1,0); s=p!=0)
S(a6, int __arena *p = bpf_arena_alloc_pages(&arena,0,1,-1,0); __sync_fetch_and_add(p, 3))
S(a7, int __arena *p = bpf_arena_alloc_pages(&arena,0,1,-1,0); bpf_probe_read_kernel(&s,4,(void*)p))
S(a8, int __arena *p = bpf_arena_alloc_pages(&arena,0,1,-1,0); char b[4]; bpf_copy_from_user((void*)p,4,(void*)8))
S(a9, int __arena *p = bpf_arena_alloc_pages(&arena,0,1,-1,0); int *q=(void*)p; *q=1)
S(a10, int __arena *p = bpf_arena_alloc_pages(&arena,0,1,-1,0); p += bpf_get_prandom_u32(); p -= 5; p = (int __arena*)((unsigned long)p * 3); *p=2)
S(a11, void __arena *p = bpf_arena_alloc_pages(&arena,0,1,-1,0); void __arena *q = bpf_arena_alloc_pages(&arena2,0,1,-1,0); *(int __arena*)p=*(int __arena*)q)
S(a12, struct sl __arena *p = (struct sl __arena*)bpf_arena_alloc_pages(&arena,0,1,-1,0); p->b = -1; s=p->b; s+=*(signed char __arena*)p)
C(a13, int __arena *p = (int __arena*)(long)ctx->len; asm volatile(""::"r"(&arena)); *p=5; s=*p)
C(a14, int __arena *p = (int __arena*)(long)ctx->len; *p=5; s=*p)
S(a15, s=bpf_arena_reserve_pages(&arena,0,3))
S(a17, int __arena *p = bpf_arena_alloc_pages(&arena,0,1,-1,0); for (int i=0;i<1000;i++) { if (!p) break; p = *(int __arena* __arena*)p; } s=p!=0)
struct uty { long x; int y; };
struct tv { int a; struct uty __uptr *u; };
struct { __uint(type, BPF_MAP_TYPE_TASK_STORAGE); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key,int); __type(value, struct tv);} ts SEC(".maps");
#define P(n, ...) SEC("?tp_btf/task_newtask") int n(u64 *ctx) { int s=0; struct task_struct *cur=bpf_get_current_task_btf(); struct tv *v=bpf_task_storage_get(&ts,cur,0,0); if (!v) return 0; __VA_ARGS__; return s; }
P(up1, struct uty *u=v->u; if (!u) return 0; s=u->x; u->y=5) P(up2, struct uty *u=v->u; s=u->x) P(up3, v->u=0) P(up4, struct uty *u=v->u; if (!u) return 0; s=((int*)u)[50]) P(up5, struct uty *u=bpf_kptr_xchg(&v->u,0)) P(up6, return *(int*)&v->u) P(up7, struct uty *u=v->u; if (!u) return 0; bpf_probe_read_kernel(u,sizeof(*u),cur)) P(up8, struct uty *u=v->u; if (!u) return 0; bpf_get_current_comm(u,sizeof(*u))) P(up9, struct uty *u=v->u; if (!u) return 0; ((char*)u)[s&7]=1; __sync_fetch_and_add(&u->x,1)) P(up10, struct uty *u=v->u; if (!u) return 0; s=((char*)u)[cur->pid & 7])
