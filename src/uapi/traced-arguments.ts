/**
 * Arguments of tracepoints and iterators as programs see them, where the kernel's BTF does not say it.
 *
 * Asked of Linux 6.18 by loading, for every tracepoint and iterator of the reference kernel, a program that reads each
 * pointer argument, and looking at the type of what it read.
 */

/** A tracepoint's pointer arguments are sure to be valid, but for these: NULL, or no pointer to rely on at all. */
export type TracepointArgument = 'or_null' | 'scalar';

/** By name, then by index of the argument. Raw-BTF tracepoints (`tp_btf`). */
export const TRACEPOINT_ARGUMENTS: Readonly<Record<string, Readonly<Record<number, TracepointArgument>>>> = {
  break_lease_block: { 1: 'or_null' },
  break_lease_noblock: { 1: 'or_null' },
  break_lease_unblock: { 1: 'or_null' },
  ext4_mballoc_discard: { 1: 'or_null' },
  ext4_mballoc_free: { 1: 'or_null' },
  fcntl_setlk: { 1: 'or_null' },
  fib_table_lookup: { 2: 'or_null' },
  flock_lock_inode: { 1: 'or_null' },
  folio_wait_writeback: { 1: 'or_null' },
  generic_delete_lease: { 1: 'or_null' },
  hugetlbfs_alloc_inode: { 1: 'or_null' },
  kfree_skb: { 3: 'or_null' },
  locks_remove_posix: { 1: 'or_null' },
  mm_collapse_huge_page_isolate: { 0: 'or_null' },
  mm_khugepaged_collapse_file: { 1: 'or_null' },
  mm_khugepaged_scan_file: { 1: 'or_null' },
  mm_khugepaged_scan_pmd: { 1: 'or_null' },
  mm_page_alloc: { 0: 'or_null' },
  mm_page_alloc_zone_locked: { 0: 'or_null' },
  mm_page_pcpu_drain: { 0: 'or_null' },
  posix_lock_inode: { 1: 'or_null' },
  qdisc_dequeue: { 3: 'or_null' },
  sched_pi_setprio: { 1: 'or_null' },
  sched_stick_numa: { 2: 'or_null' },
  sched_swap_numa: { 2: 'or_null' },
  tcp_send_reset: { 0: 'or_null', 1: 'or_null' },
  tcp_sendmsg_locked: { 2: 'or_null' },
  time_out_leases: { 1: 'or_null' },
  tmigr_update_events: { 0: 'or_null' },
  writeback_dirty_folio: { 1: 'or_null' },
  xfs_blockgc_flush_all: { 0: 'or_null' },
  xfs_blockgc_free_space: { 1: 'or_null' },
  xfs_blockgc_start: { 0: 'or_null' },
  xfs_blockgc_stop: { 0: 'or_null' },
  xfs_blockgc_worker: { 0: 'or_null' },
  xfs_btree_overlapped_query_range: { 2: 'or_null' },
  xfs_btree_updkeys: { 2: 'or_null' },
  xfs_defer_add_item: { 0: 'or_null' },
  xfs_defer_cancel_item: { 0: 'or_null' },
  xfs_defer_cancel_list: { 0: 'or_null' },
  xfs_defer_create_intent: { 0: 'or_null' },
  xfs_defer_finish_item: { 0: 'or_null' },
  xfs_defer_isolate_paused: { 0: 'or_null' },
  xfs_defer_item_pause: { 0: 'or_null' },
  xfs_defer_item_unpause: { 0: 'or_null' },
  xfs_defer_pending_abort: { 0: 'or_null' },
  xfs_defer_pending_finish: { 0: 'or_null' },
  xfs_defer_relog_intent: { 0: 'or_null' },
  xfs_fs_sync_fs: { 0: 'or_null' },
  xfs_inodegc_flush: { 0: 'or_null' },
  xfs_inodegc_push: { 0: 'or_null' },
  xfs_inodegc_queue: { 0: 'or_null' },
  xfs_inodegc_start: { 0: 'or_null' },
  xfs_inodegc_stop: { 0: 'or_null' },
  xfs_inodegc_throttle: { 0: 'or_null' },
  xfs_ioc_free_eofblocks: { 1: 'or_null' },
  xfs_map_blocks_alloc: { 4: 'or_null' },
  xfs_map_blocks_found: { 4: 'or_null' },
};

export type IterArgument = 'rdonly_buf_or_null' | 'buf_or_null' | `${'trusted_' | ''}ptr${'_or_null' | ''}:${string}`;

/**
 * Iterators (`iter`): pointer arguments by index; what follows the colon is the structure. Others are valid pointers to
 * what their type says.
 */
export const ITER_ARGUMENTS: Readonly<Record<string, Readonly<Record<number, IterArgument>>>> = {
  bpf_link: { 1: 'ptr_or_null:bpf_link' },
  bpf_map: { 1: 'trusted_ptr_or_null:bpf_map' },
  bpf_map_elem: { 2: 'rdonly_buf_or_null', 3: 'buf_or_null' },
  bpf_prog: { 1: 'ptr_or_null:bpf_prog' },
  bpf_sk_storage_map: {
    2: 'ptr_or_null:sock',
    3: 'buf_or_null',
  },
  cgroup: { 1: 'trusted_ptr_or_null:cgroup' },
  dmabuf: { 1: 'ptr_or_null:dma_buf' },
  ipv6_route: { 1: 'ptr_or_null:fib6_info' },
  kmem_cache: { 1: 'trusted_ptr_or_null:kmem_cache' },
  ksym: { 1: 'ptr_or_null:kallsym_iter' },
  netlink: { 1: 'ptr_or_null:netlink_sock' },
  sockmap: { 2: 'rdonly_buf_or_null', 3: 'ptr_or_null:sock' },
  task: { 1: 'trusted_ptr_or_null:task_struct' },
  task_file: { 1: 'ptr_or_null:task_struct', 3: 'ptr_or_null:file' },
  task_vma: { 1: 'ptr_or_null:task_struct', 2: 'ptr_or_null:vm_area_struct' },
  tcp: { 1: 'trusted_ptr_or_null:sock_common' },
  udp: { 1: 'trusted_ptr_or_null:udp_sock' },
  unix: { 1: 'ptr_or_null:unix_sock' },
};
