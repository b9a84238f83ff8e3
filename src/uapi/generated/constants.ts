// Generated from the BTF of the reference kernel (Linux 6.18): every enumerator of the eBPF ABI. Do not edit.

// enum bpf_cgroup_iter_order
export const BPF_CGROUP_ITER_ORDER_UNSPEC = 0;
export const BPF_CGROUP_ITER_SELF_ONLY = 1;
export const BPF_CGROUP_ITER_DESCENDANTS_PRE = 2;
export const BPF_CGROUP_ITER_DESCENDANTS_POST = 3;
export const BPF_CGROUP_ITER_ANCESTORS_UP = 4;

// enum bpf_map_type
export const BPF_MAP_TYPE_UNSPEC = 0;
export const BPF_MAP_TYPE_HASH = 1;
export const BPF_MAP_TYPE_ARRAY = 2;
export const BPF_MAP_TYPE_PROG_ARRAY = 3;
export const BPF_MAP_TYPE_PERF_EVENT_ARRAY = 4;
export const BPF_MAP_TYPE_PERCPU_HASH = 5;
export const BPF_MAP_TYPE_PERCPU_ARRAY = 6;
export const BPF_MAP_TYPE_STACK_TRACE = 7;
export const BPF_MAP_TYPE_CGROUP_ARRAY = 8;
export const BPF_MAP_TYPE_LRU_HASH = 9;
export const BPF_MAP_TYPE_LRU_PERCPU_HASH = 10;
export const BPF_MAP_TYPE_LPM_TRIE = 11;
export const BPF_MAP_TYPE_ARRAY_OF_MAPS = 12;
export const BPF_MAP_TYPE_HASH_OF_MAPS = 13;
export const BPF_MAP_TYPE_DEVMAP = 14;
export const BPF_MAP_TYPE_SOCKMAP = 15;
export const BPF_MAP_TYPE_CPUMAP = 16;
export const BPF_MAP_TYPE_XSKMAP = 17;
export const BPF_MAP_TYPE_SOCKHASH = 18;
export const BPF_MAP_TYPE_CGROUP_STORAGE_DEPRECATED = 19;
export const BPF_MAP_TYPE_CGROUP_STORAGE = 19;
export const BPF_MAP_TYPE_REUSEPORT_SOCKARRAY = 20;
export const BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE_DEPRECATED = 21;
export const BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE = 21;
export const BPF_MAP_TYPE_QUEUE = 22;
export const BPF_MAP_TYPE_STACK = 23;
export const BPF_MAP_TYPE_SK_STORAGE = 24;
export const BPF_MAP_TYPE_DEVMAP_HASH = 25;
export const BPF_MAP_TYPE_STRUCT_OPS = 26;
export const BPF_MAP_TYPE_RINGBUF = 27;
export const BPF_MAP_TYPE_INODE_STORAGE = 28;
export const BPF_MAP_TYPE_TASK_STORAGE = 29;
export const BPF_MAP_TYPE_BLOOM_FILTER = 30;
export const BPF_MAP_TYPE_USER_RINGBUF = 31;
export const BPF_MAP_TYPE_CGRP_STORAGE = 32;
export const BPF_MAP_TYPE_ARENA = 33;
export const __MAX_BPF_MAP_TYPE = 34;

// enum bpf_prog_type
export const BPF_PROG_TYPE_UNSPEC = 0;
export const BPF_PROG_TYPE_SOCKET_FILTER = 1;
export const BPF_PROG_TYPE_KPROBE = 2;
export const BPF_PROG_TYPE_SCHED_CLS = 3;
export const BPF_PROG_TYPE_SCHED_ACT = 4;
export const BPF_PROG_TYPE_TRACEPOINT = 5;
export const BPF_PROG_TYPE_XDP = 6;
export const BPF_PROG_TYPE_PERF_EVENT = 7;
export const BPF_PROG_TYPE_CGROUP_SKB = 8;
export const BPF_PROG_TYPE_CGROUP_SOCK = 9;
export const BPF_PROG_TYPE_LWT_IN = 10;
export const BPF_PROG_TYPE_LWT_OUT = 11;
export const BPF_PROG_TYPE_LWT_XMIT = 12;
export const BPF_PROG_TYPE_SOCK_OPS = 13;
export const BPF_PROG_TYPE_SK_SKB = 14;
export const BPF_PROG_TYPE_CGROUP_DEVICE = 15;
export const BPF_PROG_TYPE_SK_MSG = 16;
export const BPF_PROG_TYPE_RAW_TRACEPOINT = 17;
export const BPF_PROG_TYPE_CGROUP_SOCK_ADDR = 18;
export const BPF_PROG_TYPE_LWT_SEG6LOCAL = 19;
export const BPF_PROG_TYPE_LIRC_MODE2 = 20;
export const BPF_PROG_TYPE_SK_REUSEPORT = 21;
export const BPF_PROG_TYPE_FLOW_DISSECTOR = 22;
export const BPF_PROG_TYPE_CGROUP_SYSCTL = 23;
export const BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE = 24;
export const BPF_PROG_TYPE_CGROUP_SOCKOPT = 25;
export const BPF_PROG_TYPE_TRACING = 26;
export const BPF_PROG_TYPE_STRUCT_OPS = 27;
export const BPF_PROG_TYPE_EXT = 28;
export const BPF_PROG_TYPE_LSM = 29;
export const BPF_PROG_TYPE_SK_LOOKUP = 30;
export const BPF_PROG_TYPE_SYSCALL = 31;
export const BPF_PROG_TYPE_NETFILTER = 32;
export const __MAX_BPF_PROG_TYPE = 33;

// enum bpf_attach_type
export const BPF_CGROUP_INET_INGRESS = 0;
export const BPF_CGROUP_INET_EGRESS = 1;
export const BPF_CGROUP_INET_SOCK_CREATE = 2;
export const BPF_CGROUP_SOCK_OPS = 3;
export const BPF_SK_SKB_STREAM_PARSER = 4;
export const BPF_SK_SKB_STREAM_VERDICT = 5;
export const BPF_CGROUP_DEVICE = 6;
export const BPF_SK_MSG_VERDICT = 7;
export const BPF_CGROUP_INET4_BIND = 8;
export const BPF_CGROUP_INET6_BIND = 9;
export const BPF_CGROUP_INET4_CONNECT = 10;
export const BPF_CGROUP_INET6_CONNECT = 11;
export const BPF_CGROUP_INET4_POST_BIND = 12;
export const BPF_CGROUP_INET6_POST_BIND = 13;
export const BPF_CGROUP_UDP4_SENDMSG = 14;
export const BPF_CGROUP_UDP6_SENDMSG = 15;
export const BPF_LIRC_MODE2 = 16;
export const BPF_FLOW_DISSECTOR = 17;
export const BPF_CGROUP_SYSCTL = 18;
export const BPF_CGROUP_UDP4_RECVMSG = 19;
export const BPF_CGROUP_UDP6_RECVMSG = 20;
export const BPF_CGROUP_GETSOCKOPT = 21;
export const BPF_CGROUP_SETSOCKOPT = 22;
export const BPF_TRACE_RAW_TP = 23;
export const BPF_TRACE_FENTRY = 24;
export const BPF_TRACE_FEXIT = 25;
export const BPF_MODIFY_RETURN = 26;
export const BPF_LSM_MAC = 27;
export const BPF_TRACE_ITER = 28;
export const BPF_CGROUP_INET4_GETPEERNAME = 29;
export const BPF_CGROUP_INET6_GETPEERNAME = 30;
export const BPF_CGROUP_INET4_GETSOCKNAME = 31;
export const BPF_CGROUP_INET6_GETSOCKNAME = 32;
export const BPF_XDP_DEVMAP = 33;
export const BPF_CGROUP_INET_SOCK_RELEASE = 34;
export const BPF_XDP_CPUMAP = 35;
export const BPF_SK_LOOKUP = 36;
export const BPF_XDP = 37;
export const BPF_SK_SKB_VERDICT = 38;
export const BPF_SK_REUSEPORT_SELECT = 39;
export const BPF_SK_REUSEPORT_SELECT_OR_MIGRATE = 40;
export const BPF_PERF_EVENT = 41;
export const BPF_TRACE_KPROBE_MULTI = 42;
export const BPF_LSM_CGROUP = 43;
export const BPF_STRUCT_OPS = 44;
export const BPF_NETFILTER = 45;
export const BPF_TCX_INGRESS = 46;
export const BPF_TCX_EGRESS = 47;
export const BPF_TRACE_UPROBE_MULTI = 48;
export const BPF_CGROUP_UNIX_CONNECT = 49;
export const BPF_CGROUP_UNIX_SENDMSG = 50;
export const BPF_CGROUP_UNIX_RECVMSG = 51;
export const BPF_CGROUP_UNIX_GETPEERNAME = 52;
export const BPF_CGROUP_UNIX_GETSOCKNAME = 53;
export const BPF_NETKIT_PRIMARY = 54;
export const BPF_NETKIT_PEER = 55;
export const BPF_TRACE_KPROBE_SESSION = 56;
export const BPF_TRACE_UPROBE_SESSION = 57;
export const __MAX_BPF_ATTACH_TYPE = 58;

// enum bpf_link_type
export const BPF_LINK_TYPE_UNSPEC = 0;
export const BPF_LINK_TYPE_RAW_TRACEPOINT = 1;
export const BPF_LINK_TYPE_TRACING = 2;
export const BPF_LINK_TYPE_CGROUP = 3;
export const BPF_LINK_TYPE_ITER = 4;
export const BPF_LINK_TYPE_NETNS = 5;
export const BPF_LINK_TYPE_XDP = 6;
export const BPF_LINK_TYPE_PERF_EVENT = 7;
export const BPF_LINK_TYPE_KPROBE_MULTI = 8;
export const BPF_LINK_TYPE_STRUCT_OPS = 9;
export const BPF_LINK_TYPE_NETFILTER = 10;
export const BPF_LINK_TYPE_TCX = 11;
export const BPF_LINK_TYPE_UPROBE_MULTI = 12;
export const BPF_LINK_TYPE_NETKIT = 13;
export const BPF_LINK_TYPE_SOCKMAP = 14;
export const __MAX_BPF_LINK_TYPE = 15;

// enum bpf_func_id
export const BPF_FUNC_unspec = 0;
export const BPF_FUNC_map_lookup_elem = 1;
export const BPF_FUNC_map_update_elem = 2;
export const BPF_FUNC_map_delete_elem = 3;
export const BPF_FUNC_probe_read = 4;
export const BPF_FUNC_ktime_get_ns = 5;
export const BPF_FUNC_trace_printk = 6;
export const BPF_FUNC_get_prandom_u32 = 7;
export const BPF_FUNC_get_smp_processor_id = 8;
export const BPF_FUNC_skb_store_bytes = 9;
export const BPF_FUNC_l3_csum_replace = 10;
export const BPF_FUNC_l4_csum_replace = 11;
export const BPF_FUNC_tail_call = 12;
export const BPF_FUNC_clone_redirect = 13;
export const BPF_FUNC_get_current_pid_tgid = 14;
export const BPF_FUNC_get_current_uid_gid = 15;
export const BPF_FUNC_get_current_comm = 16;
export const BPF_FUNC_get_cgroup_classid = 17;
export const BPF_FUNC_skb_vlan_push = 18;
export const BPF_FUNC_skb_vlan_pop = 19;
export const BPF_FUNC_skb_get_tunnel_key = 20;
export const BPF_FUNC_skb_set_tunnel_key = 21;
export const BPF_FUNC_perf_event_read = 22;
export const BPF_FUNC_redirect = 23;
export const BPF_FUNC_get_route_realm = 24;
export const BPF_FUNC_perf_event_output = 25;
export const BPF_FUNC_skb_load_bytes = 26;
export const BPF_FUNC_get_stackid = 27;
export const BPF_FUNC_csum_diff = 28;
export const BPF_FUNC_skb_get_tunnel_opt = 29;
export const BPF_FUNC_skb_set_tunnel_opt = 30;
export const BPF_FUNC_skb_change_proto = 31;
export const BPF_FUNC_skb_change_type = 32;
export const BPF_FUNC_skb_under_cgroup = 33;
export const BPF_FUNC_get_hash_recalc = 34;
export const BPF_FUNC_get_current_task = 35;
export const BPF_FUNC_probe_write_user = 36;
export const BPF_FUNC_current_task_under_cgroup = 37;
export const BPF_FUNC_skb_change_tail = 38;
export const BPF_FUNC_skb_pull_data = 39;
export const BPF_FUNC_csum_update = 40;
export const BPF_FUNC_set_hash_invalid = 41;
export const BPF_FUNC_get_numa_node_id = 42;
export const BPF_FUNC_skb_change_head = 43;
export const BPF_FUNC_xdp_adjust_head = 44;
export const BPF_FUNC_probe_read_str = 45;
export const BPF_FUNC_get_socket_cookie = 46;
export const BPF_FUNC_get_socket_uid = 47;
export const BPF_FUNC_set_hash = 48;
export const BPF_FUNC_setsockopt = 49;
export const BPF_FUNC_skb_adjust_room = 50;
export const BPF_FUNC_redirect_map = 51;
export const BPF_FUNC_sk_redirect_map = 52;
export const BPF_FUNC_sock_map_update = 53;
export const BPF_FUNC_xdp_adjust_meta = 54;
export const BPF_FUNC_perf_event_read_value = 55;
export const BPF_FUNC_perf_prog_read_value = 56;
export const BPF_FUNC_getsockopt = 57;
export const BPF_FUNC_override_return = 58;
export const BPF_FUNC_sock_ops_cb_flags_set = 59;
export const BPF_FUNC_msg_redirect_map = 60;
export const BPF_FUNC_msg_apply_bytes = 61;
export const BPF_FUNC_msg_cork_bytes = 62;
export const BPF_FUNC_msg_pull_data = 63;
export const BPF_FUNC_bind = 64;
export const BPF_FUNC_xdp_adjust_tail = 65;
export const BPF_FUNC_skb_get_xfrm_state = 66;
export const BPF_FUNC_get_stack = 67;
export const BPF_FUNC_skb_load_bytes_relative = 68;
export const BPF_FUNC_fib_lookup = 69;
export const BPF_FUNC_sock_hash_update = 70;
export const BPF_FUNC_msg_redirect_hash = 71;
export const BPF_FUNC_sk_redirect_hash = 72;
export const BPF_FUNC_lwt_push_encap = 73;
export const BPF_FUNC_lwt_seg6_store_bytes = 74;
export const BPF_FUNC_lwt_seg6_adjust_srh = 75;
export const BPF_FUNC_lwt_seg6_action = 76;
export const BPF_FUNC_rc_repeat = 77;
export const BPF_FUNC_rc_keydown = 78;
export const BPF_FUNC_skb_cgroup_id = 79;
export const BPF_FUNC_get_current_cgroup_id = 80;
export const BPF_FUNC_get_local_storage = 81;
export const BPF_FUNC_sk_select_reuseport = 82;
export const BPF_FUNC_skb_ancestor_cgroup_id = 83;
export const BPF_FUNC_sk_lookup_tcp = 84;
export const BPF_FUNC_sk_lookup_udp = 85;
export const BPF_FUNC_sk_release = 86;
export const BPF_FUNC_map_push_elem = 87;
export const BPF_FUNC_map_pop_elem = 88;
export const BPF_FUNC_map_peek_elem = 89;
export const BPF_FUNC_msg_push_data = 90;
export const BPF_FUNC_msg_pop_data = 91;
export const BPF_FUNC_rc_pointer_rel = 92;
export const BPF_FUNC_spin_lock = 93;
export const BPF_FUNC_spin_unlock = 94;
export const BPF_FUNC_sk_fullsock = 95;
export const BPF_FUNC_tcp_sock = 96;
export const BPF_FUNC_skb_ecn_set_ce = 97;
export const BPF_FUNC_get_listener_sock = 98;
export const BPF_FUNC_skc_lookup_tcp = 99;
export const BPF_FUNC_tcp_check_syncookie = 100;
export const BPF_FUNC_sysctl_get_name = 101;
export const BPF_FUNC_sysctl_get_current_value = 102;
export const BPF_FUNC_sysctl_get_new_value = 103;
export const BPF_FUNC_sysctl_set_new_value = 104;
export const BPF_FUNC_strtol = 105;
export const BPF_FUNC_strtoul = 106;
export const BPF_FUNC_sk_storage_get = 107;
export const BPF_FUNC_sk_storage_delete = 108;
export const BPF_FUNC_send_signal = 109;
export const BPF_FUNC_tcp_gen_syncookie = 110;
export const BPF_FUNC_skb_output = 111;
export const BPF_FUNC_probe_read_user = 112;
export const BPF_FUNC_probe_read_kernel = 113;
export const BPF_FUNC_probe_read_user_str = 114;
export const BPF_FUNC_probe_read_kernel_str = 115;
export const BPF_FUNC_tcp_send_ack = 116;
export const BPF_FUNC_send_signal_thread = 117;
export const BPF_FUNC_jiffies64 = 118;
export const BPF_FUNC_read_branch_records = 119;
export const BPF_FUNC_get_ns_current_pid_tgid = 120;
export const BPF_FUNC_xdp_output = 121;
export const BPF_FUNC_get_netns_cookie = 122;
export const BPF_FUNC_get_current_ancestor_cgroup_id = 123;
export const BPF_FUNC_sk_assign = 124;
export const BPF_FUNC_ktime_get_boot_ns = 125;
export const BPF_FUNC_seq_printf = 126;
export const BPF_FUNC_seq_write = 127;
export const BPF_FUNC_sk_cgroup_id = 128;
export const BPF_FUNC_sk_ancestor_cgroup_id = 129;
export const BPF_FUNC_ringbuf_output = 130;
export const BPF_FUNC_ringbuf_reserve = 131;
export const BPF_FUNC_ringbuf_submit = 132;
export const BPF_FUNC_ringbuf_discard = 133;
export const BPF_FUNC_ringbuf_query = 134;
export const BPF_FUNC_csum_level = 135;
export const BPF_FUNC_skc_to_tcp6_sock = 136;
export const BPF_FUNC_skc_to_tcp_sock = 137;
export const BPF_FUNC_skc_to_tcp_timewait_sock = 138;
export const BPF_FUNC_skc_to_tcp_request_sock = 139;
export const BPF_FUNC_skc_to_udp6_sock = 140;
export const BPF_FUNC_get_task_stack = 141;
export const BPF_FUNC_load_hdr_opt = 142;
export const BPF_FUNC_store_hdr_opt = 143;
export const BPF_FUNC_reserve_hdr_opt = 144;
export const BPF_FUNC_inode_storage_get = 145;
export const BPF_FUNC_inode_storage_delete = 146;
export const BPF_FUNC_d_path = 147;
export const BPF_FUNC_copy_from_user = 148;
export const BPF_FUNC_snprintf_btf = 149;
export const BPF_FUNC_seq_printf_btf = 150;
export const BPF_FUNC_skb_cgroup_classid = 151;
export const BPF_FUNC_redirect_neigh = 152;
export const BPF_FUNC_per_cpu_ptr = 153;
export const BPF_FUNC_this_cpu_ptr = 154;
export const BPF_FUNC_redirect_peer = 155;
export const BPF_FUNC_task_storage_get = 156;
export const BPF_FUNC_task_storage_delete = 157;
export const BPF_FUNC_get_current_task_btf = 158;
export const BPF_FUNC_bprm_opts_set = 159;
export const BPF_FUNC_ktime_get_coarse_ns = 160;
export const BPF_FUNC_ima_inode_hash = 161;
export const BPF_FUNC_sock_from_file = 162;
export const BPF_FUNC_check_mtu = 163;
export const BPF_FUNC_for_each_map_elem = 164;
export const BPF_FUNC_snprintf = 165;
export const BPF_FUNC_sys_bpf = 166;
export const BPF_FUNC_btf_find_by_name_kind = 167;
export const BPF_FUNC_sys_close = 168;
export const BPF_FUNC_timer_init = 169;
export const BPF_FUNC_timer_set_callback = 170;
export const BPF_FUNC_timer_start = 171;
export const BPF_FUNC_timer_cancel = 172;
export const BPF_FUNC_get_func_ip = 173;
export const BPF_FUNC_get_attach_cookie = 174;
export const BPF_FUNC_task_pt_regs = 175;
export const BPF_FUNC_get_branch_snapshot = 176;
export const BPF_FUNC_trace_vprintk = 177;
export const BPF_FUNC_skc_to_unix_sock = 178;
export const BPF_FUNC_kallsyms_lookup_name = 179;
export const BPF_FUNC_find_vma = 180;
export const BPF_FUNC_loop = 181;
export const BPF_FUNC_strncmp = 182;
export const BPF_FUNC_get_func_arg = 183;
export const BPF_FUNC_get_func_ret = 184;
export const BPF_FUNC_get_func_arg_cnt = 185;
export const BPF_FUNC_get_retval = 186;
export const BPF_FUNC_set_retval = 187;
export const BPF_FUNC_xdp_get_buff_len = 188;
export const BPF_FUNC_xdp_load_bytes = 189;
export const BPF_FUNC_xdp_store_bytes = 190;
export const BPF_FUNC_copy_from_user_task = 191;
export const BPF_FUNC_skb_set_tstamp = 192;
export const BPF_FUNC_ima_file_hash = 193;
export const BPF_FUNC_kptr_xchg = 194;
export const BPF_FUNC_map_lookup_percpu_elem = 195;
export const BPF_FUNC_skc_to_mptcp_sock = 196;
export const BPF_FUNC_dynptr_from_mem = 197;
export const BPF_FUNC_ringbuf_reserve_dynptr = 198;
export const BPF_FUNC_ringbuf_submit_dynptr = 199;
export const BPF_FUNC_ringbuf_discard_dynptr = 200;
export const BPF_FUNC_dynptr_read = 201;
export const BPF_FUNC_dynptr_write = 202;
export const BPF_FUNC_dynptr_data = 203;
export const BPF_FUNC_tcp_raw_gen_syncookie_ipv4 = 204;
export const BPF_FUNC_tcp_raw_gen_syncookie_ipv6 = 205;
export const BPF_FUNC_tcp_raw_check_syncookie_ipv4 = 206;
export const BPF_FUNC_tcp_raw_check_syncookie_ipv6 = 207;
export const BPF_FUNC_ktime_get_tai_ns = 208;
export const BPF_FUNC_user_ringbuf_drain = 209;
export const BPF_FUNC_cgrp_storage_get = 210;
export const BPF_FUNC_cgrp_storage_delete = 211;

// enum btf_field_type
export const BPF_SPIN_LOCK = 1;
export const BPF_TIMER = 2;
export const BPF_KPTR_UNREF = 4;
export const BPF_KPTR_REF = 8;
export const BPF_KPTR_PERCPU = 16;
export const BPF_KPTR = 28;
export const BPF_LIST_HEAD = 32;
export const BPF_LIST_NODE = 64;
export const BPF_RB_ROOT = 128;
export const BPF_RB_NODE = 256;
export const BPF_GRAPH_NODE = 320;
export const BPF_GRAPH_ROOT = 160;
export const BPF_REFCOUNT = 512;
export const BPF_WORKQUEUE = 1024;
export const BPF_UPTR = 2048;
export const BPF_RES_SPIN_LOCK = 4096;
export const BPF_TASK_WORK = 8192;

// enum bpf_iter_task_type
export const BPF_TASK_ITER_ALL = 0;
export const BPF_TASK_ITER_TID = 1;
export const BPF_TASK_ITER_TGID = 2;

// enum bpf_access_type
export const BPF_READ = 1;
export const BPF_WRITE = 2;

// enum bpf_dynptr_type
export const BPF_DYNPTR_TYPE_INVALID = 0;
export const BPF_DYNPTR_TYPE_LOCAL = 1;
export const BPF_DYNPTR_TYPE_RINGBUF = 2;
export const BPF_DYNPTR_TYPE_SKB = 3;
export const BPF_DYNPTR_TYPE_XDP = 4;
export const BPF_DYNPTR_TYPE_SKB_META = 5;

// enum bpf_iter_state
export const BPF_ITER_STATE_INVALID = 0;
export const BPF_ITER_STATE_ACTIVE = 1;
export const BPF_ITER_STATE_DRAINED = 2;

// enum nf_inet_hooks
export const NF_INET_PRE_ROUTING = 0;
export const NF_INET_LOCAL_IN = 1;
export const NF_INET_FORWARD = 2;
export const NF_INET_LOCAL_OUT = 3;
export const NF_INET_POST_ROUTING = 4;
export const NF_INET_NUMHOOKS = 5;
export const NF_INET_INGRESS = 5;

// enum bpf_netdev_command
export const BPF_OFFLOAD_MAP_ALLOC = 2;
export const BPF_OFFLOAD_MAP_FREE = 3;

// enum perf_sw_ids
export const PERF_COUNT_SW_CPU_CLOCK = 0;
export const PERF_COUNT_SW_TASK_CLOCK = 1;
export const PERF_COUNT_SW_PAGE_FAULTS = 2;
export const PERF_COUNT_SW_CONTEXT_SWITCHES = 3;
export const PERF_COUNT_SW_CPU_MIGRATIONS = 4;
export const PERF_COUNT_SW_PAGE_FAULTS_MIN = 5;
export const PERF_COUNT_SW_PAGE_FAULTS_MAJ = 6;
export const PERF_COUNT_SW_ALIGNMENT_FAULTS = 7;
export const PERF_COUNT_SW_EMULATION_FAULTS = 8;
export const PERF_COUNT_SW_DUMMY = 9;
export const PERF_COUNT_SW_BPF_OUTPUT = 10;
export const PERF_COUNT_SW_CGROUP_SWITCHES = 11;
export const PERF_COUNT_SW_MAX = 12;

// enum perf_branch_sample_type_shift
export const PERF_SAMPLE_BRANCH_USER_SHIFT = 0;
export const PERF_SAMPLE_BRANCH_KERNEL_SHIFT = 1;
export const PERF_SAMPLE_BRANCH_HV_SHIFT = 2;
export const PERF_SAMPLE_BRANCH_ANY_SHIFT = 3;
export const PERF_SAMPLE_BRANCH_ANY_CALL_SHIFT = 4;
export const PERF_SAMPLE_BRANCH_ANY_RETURN_SHIFT = 5;
export const PERF_SAMPLE_BRANCH_IND_CALL_SHIFT = 6;
export const PERF_SAMPLE_BRANCH_ABORT_TX_SHIFT = 7;
export const PERF_SAMPLE_BRANCH_IN_TX_SHIFT = 8;
export const PERF_SAMPLE_BRANCH_NO_TX_SHIFT = 9;
export const PERF_SAMPLE_BRANCH_COND_SHIFT = 10;
export const PERF_SAMPLE_BRANCH_CALL_STACK_SHIFT = 11;
export const PERF_SAMPLE_BRANCH_IND_JUMP_SHIFT = 12;
export const PERF_SAMPLE_BRANCH_CALL_SHIFT = 13;
export const PERF_SAMPLE_BRANCH_NO_FLAGS_SHIFT = 14;
export const PERF_SAMPLE_BRANCH_NO_CYCLES_SHIFT = 15;
export const PERF_SAMPLE_BRANCH_TYPE_SAVE_SHIFT = 16;
export const PERF_SAMPLE_BRANCH_HW_INDEX_SHIFT = 17;
export const PERF_SAMPLE_BRANCH_PRIV_SAVE_SHIFT = 18;
export const PERF_SAMPLE_BRANCH_COUNTERS_SHIFT = 19;
export const PERF_SAMPLE_BRANCH_MAX_SHIFT = 20;

// enum perf_type_id
export const PERF_TYPE_HARDWARE = 0;
export const PERF_TYPE_SOFTWARE = 1;
export const PERF_TYPE_TRACEPOINT = 2;
export const PERF_TYPE_HW_CACHE = 3;
export const PERF_TYPE_RAW = 4;
export const PERF_TYPE_BREAKPOINT = 5;
export const PERF_TYPE_MAX = 6;

// enum perf_hw_id
export const PERF_COUNT_HW_CPU_CYCLES = 0;
export const PERF_COUNT_HW_INSTRUCTIONS = 1;
export const PERF_COUNT_HW_CACHE_REFERENCES = 2;
export const PERF_COUNT_HW_CACHE_MISSES = 3;
export const PERF_COUNT_HW_BRANCH_INSTRUCTIONS = 4;
export const PERF_COUNT_HW_BRANCH_MISSES = 5;
export const PERF_COUNT_HW_BUS_CYCLES = 6;
export const PERF_COUNT_HW_STALLED_CYCLES_FRONTEND = 7;
export const PERF_COUNT_HW_STALLED_CYCLES_BACKEND = 8;
export const PERF_COUNT_HW_REF_CPU_CYCLES = 9;
export const PERF_COUNT_HW_MAX = 10;

// enum perf_hw_cache_id
export const PERF_COUNT_HW_CACHE_L1D = 0;
export const PERF_COUNT_HW_CACHE_L1I = 1;
export const PERF_COUNT_HW_CACHE_LL = 2;
export const PERF_COUNT_HW_CACHE_DTLB = 3;
export const PERF_COUNT_HW_CACHE_ITLB = 4;
export const PERF_COUNT_HW_CACHE_BPU = 5;
export const PERF_COUNT_HW_CACHE_NODE = 6;
export const PERF_COUNT_HW_CACHE_MAX = 7;

// enum perf_hw_cache_op_id
export const PERF_COUNT_HW_CACHE_OP_READ = 0;
export const PERF_COUNT_HW_CACHE_OP_WRITE = 1;
export const PERF_COUNT_HW_CACHE_OP_PREFETCH = 2;
export const PERF_COUNT_HW_CACHE_OP_MAX = 3;

// enum perf_hw_cache_op_result_id
export const PERF_COUNT_HW_CACHE_RESULT_ACCESS = 0;
export const PERF_COUNT_HW_CACHE_RESULT_MISS = 1;
export const PERF_COUNT_HW_CACHE_RESULT_MAX = 2;

// enum perf_event_sample_format
export const PERF_SAMPLE_IP = 1;
export const PERF_SAMPLE_TID = 2;
export const PERF_SAMPLE_TIME = 4;
export const PERF_SAMPLE_ADDR = 8;
export const PERF_SAMPLE_READ = 16;
export const PERF_SAMPLE_CALLCHAIN = 32;
export const PERF_SAMPLE_ID = 64;
export const PERF_SAMPLE_CPU = 128;
export const PERF_SAMPLE_PERIOD = 256;
export const PERF_SAMPLE_STREAM_ID = 512;
export const PERF_SAMPLE_RAW = 1024;
export const PERF_SAMPLE_BRANCH_STACK = 2048;
export const PERF_SAMPLE_REGS_USER = 4096;
export const PERF_SAMPLE_STACK_USER = 8192;
export const PERF_SAMPLE_WEIGHT = 16384;
export const PERF_SAMPLE_DATA_SRC = 32768;
export const PERF_SAMPLE_IDENTIFIER = 65536;
export const PERF_SAMPLE_TRANSACTION = 131072;
export const PERF_SAMPLE_REGS_INTR = 262144;
export const PERF_SAMPLE_PHYS_ADDR = 524288;
export const PERF_SAMPLE_AUX = 1048576;
export const PERF_SAMPLE_CGROUP = 2097152;
export const PERF_SAMPLE_DATA_PAGE_SIZE = 4194304;
export const PERF_SAMPLE_CODE_PAGE_SIZE = 8388608;
export const PERF_SAMPLE_WEIGHT_STRUCT = 16777216;
export const PERF_SAMPLE_MAX = 33554432;

// enum perf_branch_sample_type
export const PERF_SAMPLE_BRANCH_USER = 1;
export const PERF_SAMPLE_BRANCH_KERNEL = 2;
export const PERF_SAMPLE_BRANCH_HV = 4;
export const PERF_SAMPLE_BRANCH_ANY = 8;
export const PERF_SAMPLE_BRANCH_ANY_CALL = 16;
export const PERF_SAMPLE_BRANCH_ANY_RETURN = 32;
export const PERF_SAMPLE_BRANCH_IND_CALL = 64;
export const PERF_SAMPLE_BRANCH_ABORT_TX = 128;
export const PERF_SAMPLE_BRANCH_IN_TX = 256;
export const PERF_SAMPLE_BRANCH_NO_TX = 512;
export const PERF_SAMPLE_BRANCH_COND = 1024;
export const PERF_SAMPLE_BRANCH_CALL_STACK = 2048;
export const PERF_SAMPLE_BRANCH_IND_JUMP = 4096;
export const PERF_SAMPLE_BRANCH_CALL = 8192;
export const PERF_SAMPLE_BRANCH_NO_FLAGS = 16384;
export const PERF_SAMPLE_BRANCH_NO_CYCLES = 32768;
export const PERF_SAMPLE_BRANCH_TYPE_SAVE = 65536;
export const PERF_SAMPLE_BRANCH_HW_INDEX = 131072;
export const PERF_SAMPLE_BRANCH_PRIV_SAVE = 262144;
export const PERF_SAMPLE_BRANCH_COUNTERS = 524288;
export const PERF_SAMPLE_BRANCH_MAX = 1048576;

// enum perf_sample_regs_abi
export const PERF_SAMPLE_REGS_ABI_NONE = 0;
export const PERF_SAMPLE_REGS_ABI_32 = 1;
export const PERF_SAMPLE_REGS_ABI_64 = 2;

// enum
export const BPF_REG_0 = 0;
export const BPF_REG_1 = 1;
export const BPF_REG_2 = 2;
export const BPF_REG_3 = 3;
export const BPF_REG_4 = 4;
export const BPF_REG_5 = 5;
export const BPF_REG_6 = 6;
export const BPF_REG_7 = 7;
export const BPF_REG_8 = 8;
export const BPF_REG_9 = 9;
export const BPF_REG_10 = 10;
export const __MAX_BPF_REG = 11;

// enum bpf_addr_space_cast
export const BPF_ADDR_SPACE_CAST = 1;

// enum bpf_tramp_prog_type
export const BPF_TRAMP_FENTRY = 0;
export const BPF_TRAMP_FEXIT = 1;
export const BPF_TRAMP_MODIFY_RETURN = 2;
export const BPF_TRAMP_MAX = 3;
export const BPF_TRAMP_REPLACE = 4;

// enum bpf_jit_poke_reason
export const BPF_POKE_REASON_TAIL_CALL = 0;

// enum bpf_text_poke_type
export const BPF_MOD_CALL = 0;
export const BPF_MOD_JUMP = 1;

// enum bpf_iter_feature
export const BPF_ITER_RESCHED = 1;

// enum bpf_cgroup_storage_type
export const BPF_CGROUP_STORAGE_SHARED = 0;
export const BPF_CGROUP_STORAGE_PERCPU = 1;

// enum perf_record_ksymbol_type
export const PERF_RECORD_KSYMBOL_TYPE_UNKNOWN = 0;
export const PERF_RECORD_KSYMBOL_TYPE_BPF = 1;
export const PERF_RECORD_KSYMBOL_TYPE_OOL = 2;
export const PERF_RECORD_KSYMBOL_TYPE_MAX = 3;

// enum
export const BPF_F_UPROBE_MULTI_RETURN = 1;

// enum
export const BPF_F_GET_BRANCH_RECORDS_SIZE = 1;

// enum bpf_task_fd_type
export const BPF_FD_TYPE_RAW_TRACEPOINT = 0;
export const BPF_FD_TYPE_TRACEPOINT = 1;
export const BPF_FD_TYPE_KPROBE = 2;
export const BPF_FD_TYPE_KRETPROBE = 3;
export const BPF_FD_TYPE_UPROBE = 4;
export const BPF_FD_TYPE_URETPROBE = 5;

// enum xdp_action
export const XDP_ABORTED = 0;
export const XDP_DROP = 1;
export const XDP_PASS = 2;
export const XDP_TX = 3;
export const XDP_REDIRECT = 4;

// enum bpf_stream_id
export const BPF_STDOUT = 1;
export const BPF_STDERR = 2;

// enum
export const BPF_MAX_LOOPS = 8388608;
export const BPF_MAX_TIMED_LOOPS = 65535;

// enum bpf_cmd
export const BPF_MAP_CREATE = 0;
export const BPF_MAP_LOOKUP_ELEM = 1;
export const BPF_MAP_UPDATE_ELEM = 2;
export const BPF_MAP_DELETE_ELEM = 3;
export const BPF_MAP_GET_NEXT_KEY = 4;
export const BPF_PROG_LOAD = 5;
export const BPF_OBJ_PIN = 6;
export const BPF_OBJ_GET = 7;
export const BPF_PROG_ATTACH = 8;
export const BPF_PROG_DETACH = 9;
export const BPF_PROG_TEST_RUN = 10;
export const BPF_PROG_RUN = 10;
export const BPF_PROG_GET_NEXT_ID = 11;
export const BPF_MAP_GET_NEXT_ID = 12;
export const BPF_PROG_GET_FD_BY_ID = 13;
export const BPF_MAP_GET_FD_BY_ID = 14;
export const BPF_OBJ_GET_INFO_BY_FD = 15;
export const BPF_PROG_QUERY = 16;
export const BPF_RAW_TRACEPOINT_OPEN = 17;
export const BPF_BTF_LOAD = 18;
export const BPF_BTF_GET_FD_BY_ID = 19;
export const BPF_TASK_FD_QUERY = 20;
export const BPF_MAP_LOOKUP_AND_DELETE_ELEM = 21;
export const BPF_MAP_FREEZE = 22;
export const BPF_BTF_GET_NEXT_ID = 23;
export const BPF_MAP_LOOKUP_BATCH = 24;
export const BPF_MAP_LOOKUP_AND_DELETE_BATCH = 25;
export const BPF_MAP_UPDATE_BATCH = 26;
export const BPF_MAP_DELETE_BATCH = 27;
export const BPF_LINK_CREATE = 28;
export const BPF_LINK_UPDATE = 29;
export const BPF_LINK_GET_FD_BY_ID = 30;
export const BPF_LINK_GET_NEXT_ID = 31;
export const BPF_ENABLE_STATS = 32;
export const BPF_ITER_CREATE = 33;
export const BPF_LINK_DETACH = 34;
export const BPF_PROG_BIND_MAP = 35;
export const BPF_TOKEN_CREATE = 36;
export const BPF_PROG_STREAM_READ_BY_FD = 37;
export const __MAX_BPF_CMD = 38;

// enum bpf_perf_event_type
export const BPF_PERF_EVENT_UNSPEC = 0;
export const BPF_PERF_EVENT_UPROBE = 1;
export const BPF_PERF_EVENT_URETPROBE = 2;
export const BPF_PERF_EVENT_KPROBE = 3;
export const BPF_PERF_EVENT_KRETPROBE = 4;
export const BPF_PERF_EVENT_TRACEPOINT = 5;
export const BPF_PERF_EVENT_EVENT = 6;

// enum
export const BPF_F_KPROBE_MULTI_RETURN = 1;

// enum
export const BPF_ANY = 0;
export const BPF_NOEXIST = 1;
export const BPF_EXIST = 2;
export const BPF_F_LOCK = 4;

// enum
export const BPF_F_NO_PREALLOC = 1;
export const BPF_F_NO_COMMON_LRU = 2;
export const BPF_F_NUMA_NODE = 4;
export const BPF_F_RDONLY = 8;
export const BPF_F_WRONLY = 16;
export const BPF_F_STACK_BUILD_ID = 32;
export const BPF_F_ZERO_SEED = 64;
export const BPF_F_RDONLY_PROG = 128;
export const BPF_F_WRONLY_PROG = 256;
export const BPF_F_CLONE = 512;
export const BPF_F_MMAPABLE = 1024;
export const BPF_F_PRESERVE_ELEMS = 2048;
export const BPF_F_INNER_MAP = 4096;
export const BPF_F_LINK = 8192;
export const BPF_F_PATH_FD = 16384;
export const BPF_F_VTYPE_BTF_OBJ_FD = 32768;
export const BPF_F_TOKEN_FD = 65536;
export const BPF_F_SEGV_ON_FAULT = 131072;
export const BPF_F_NO_USER_CONV = 262144;

// enum bpf_stats_type
export const BPF_STATS_RUN_TIME = 0;

// enum bpf_audit
export const BPF_AUDIT_LOAD = 0;
export const BPF_AUDIT_UNLOAD = 1;
export const BPF_AUDIT_MAX = 2;

// enum bpf_obj_idr_kind
export const BPF_OBJ_IDR_PROG = 0;
export const BPF_OBJ_IDR_MAP = 1;
export const BPF_OBJ_IDR_BTF = 2;
export const BPF_OBJ_IDR_LINK = 3;

// enum
export const BTF_KIND_UNKN = 0;
export const BTF_KIND_INT = 1;
export const BTF_KIND_PTR = 2;
export const BTF_KIND_ARRAY = 3;
export const BTF_KIND_STRUCT = 4;
export const BTF_KIND_UNION = 5;
export const BTF_KIND_ENUM = 6;
export const BTF_KIND_FWD = 7;
export const BTF_KIND_TYPEDEF = 8;
export const BTF_KIND_VOLATILE = 9;
export const BTF_KIND_CONST = 10;
export const BTF_KIND_RESTRICT = 11;
export const BTF_KIND_FUNC = 12;
export const BTF_KIND_FUNC_PROTO = 13;
export const BTF_KIND_VAR = 14;
export const BTF_KIND_DATASEC = 15;
export const BTF_KIND_FLOAT = 16;
export const BTF_KIND_DECL_TAG = 17;
export const BTF_KIND_TYPE_TAG = 18;
export const BTF_KIND_ENUM64 = 19;
export const BTF_KIND_MAX = 19;

// enum bpf_cond_pseudo_jmp
export const BPF_MAY_GOTO = 0;

// enum sk_action
export const SK_DROP = 0;
export const SK_PASS = 1;

// enum bpf_core_relo_kind
export const BPF_CORE_FIELD_BYTE_OFFSET = 0;
export const BPF_CORE_FIELD_BYTE_SIZE = 1;
export const BPF_CORE_FIELD_EXISTS = 2;
export const BPF_CORE_FIELD_SIGNED = 3;
export const BPF_CORE_FIELD_LSHIFT_U64 = 4;
export const BPF_CORE_FIELD_RSHIFT_U64 = 5;
export const BPF_CORE_TYPE_ID_LOCAL = 6;
export const BPF_CORE_TYPE_ID_TARGET = 7;
export const BPF_CORE_TYPE_EXISTS = 8;
export const BPF_CORE_TYPE_SIZE = 9;
export const BPF_CORE_ENUMVAL_EXISTS = 10;
export const BPF_CORE_ENUMVAL_VALUE = 11;
export const BPF_CORE_TYPE_MATCHES = 12;

// enum bpf_features
export const BPF_FEAT_RDONLY_CAST_TO_VOID = 0;
export const BPF_FEAT_STREAMS = 1;
export const __MAX_BPF_FEAT = 2;

// enum bpf_type
export const BPF_TYPE_UNSPEC = 0;
export const BPF_TYPE_PROG = 1;
export const BPF_TYPE_MAP = 2;
export const BPF_TYPE_LINK = 3;

// enum
export const BPF_F_TIMER_ABS = 1;
export const BPF_F_TIMER_CPU_PIN = 2;

// enum bpf_kfunc_flags
export const BPF_F_PAD_ZEROS = 1;

// enum bpf_async_type
export const BPF_ASYNC_TYPE_TIMER = 0;
export const BPF_ASYNC_TYPE_WQ = 1;

// enum bpf_task_work_state
export const BPF_TW_STANDBY = 0;
export const BPF_TW_PENDING = 1;
export const BPF_TW_SCHEDULING = 2;
export const BPF_TW_SCHEDULED = 3;
export const BPF_TW_RUNNING = 4;
export const BPF_TW_FREED = 5;

// enum
export const BPF_TASK_ITER_ALL_PROCS = 0;
export const BPF_TASK_ITER_ALL_THREADS = 1;
export const BPF_TASK_ITER_PROC_THREADS = 2;

// enum bpf_lru_list_type
export const BPF_LRU_LIST_T_ACTIVE = 0;
export const BPF_LRU_LIST_T_INACTIVE = 1;
export const BPF_LRU_LIST_T_FREE = 2;
export const BPF_LRU_LOCAL_LIST_T_FREE = 3;
export const BPF_LRU_LOCAL_LIST_T_PENDING = 4;

// enum
export const BPF_MAX_TRAMP_LINKS = 38;

// enum
export const BPF_RB_NO_WAKEUP = 1;
export const BPF_RB_FORCE_WAKEUP = 2;

// enum
export const BPF_RB_AVAIL_DATA = 0;
export const BPF_RB_RING_SIZE = 1;
export const BPF_RB_CONS_POS = 2;
export const BPF_RB_PROD_POS = 3;

// enum
export const BPF_RINGBUF_BUSY_BIT = 2147483648;
export const BPF_RINGBUF_DISCARD_BIT = 1073741824;
export const BPF_RINGBUF_HDR_SZ = 8;

// enum
export const BPF_LOCAL_STORAGE_GET_F_CREATE = 1;
export const BPF_SK_STORAGE_GET_F_CREATE = 1;

// enum
export const BPF_STREAM_MAX_CAPACITY = 100000;

// enum
export const BPF_F_INGRESS = 1;
export const BPF_F_BROADCAST = 8;
export const BPF_F_EXCLUDE_INGRESS = 16;

// enum bpf_stack_build_id_status
export const BPF_STACK_BUILD_ID_EMPTY = 0;
export const BPF_STACK_BUILD_ID_VALID = 1;
export const BPF_STACK_BUILD_ID_IP = 2;

// enum
export const BPF_F_SKIP_FIELD_MASK = 255;
export const BPF_F_USER_STACK = 256;
export const BPF_F_FAST_STACK_CMP = 512;
export const BPF_F_REUSE_STACKID = 1024;
export const BPF_F_USER_BUILD_ID = 2048;

// enum
export const BPF_F_SYSCTL_BASE_NAME = 1;

// enum bpf_struct_ops_state
export const BPF_STRUCT_OPS_STATE_INIT = 0;
export const BPF_STRUCT_OPS_STATE_INUSE = 1;
export const BPF_STRUCT_OPS_STATE_TOBEFREE = 2;
export const BPF_STRUCT_OPS_STATE_READY = 3;

// enum
export const BPF_F_BPRM_SECUREEXEC = 1;

// enum
export const BPF_SKEL_KERNEL = 1;

// enum perf_event_type
export const PERF_RECORD_MMAP = 1;
export const PERF_RECORD_LOST = 2;
export const PERF_RECORD_COMM = 3;
export const PERF_RECORD_EXIT = 4;
export const PERF_RECORD_THROTTLE = 5;
export const PERF_RECORD_UNTHROTTLE = 6;
export const PERF_RECORD_FORK = 7;
export const PERF_RECORD_READ = 8;
export const PERF_RECORD_SAMPLE = 9;
export const PERF_RECORD_MMAP2 = 10;
export const PERF_RECORD_AUX = 11;
export const PERF_RECORD_ITRACE_START = 12;
export const PERF_RECORD_LOST_SAMPLES = 13;
export const PERF_RECORD_SWITCH = 14;
export const PERF_RECORD_SWITCH_CPU_WIDE = 15;
export const PERF_RECORD_NAMESPACES = 16;
export const PERF_RECORD_KSYMBOL = 17;
export const PERF_RECORD_BPF_EVENT = 18;
export const PERF_RECORD_CGROUP = 19;
export const PERF_RECORD_TEXT_POKE = 20;
export const PERF_RECORD_AUX_OUTPUT_HW_ID = 21;
export const PERF_RECORD_MAX = 22;

// enum
export const BPF_SOCK_OPS_VOID = 0;
export const BPF_SOCK_OPS_TIMEOUT_INIT = 1;
export const BPF_SOCK_OPS_RWND_INIT = 2;
export const BPF_SOCK_OPS_TCP_CONNECT_CB = 3;
export const BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB = 4;
export const BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB = 5;
export const BPF_SOCK_OPS_NEEDS_ECN = 6;
export const BPF_SOCK_OPS_BASE_RTT = 7;
export const BPF_SOCK_OPS_RTO_CB = 8;
export const BPF_SOCK_OPS_RETRANS_CB = 9;
export const BPF_SOCK_OPS_STATE_CB = 10;
export const BPF_SOCK_OPS_TCP_LISTEN_CB = 11;
export const BPF_SOCK_OPS_RTT_CB = 12;
export const BPF_SOCK_OPS_PARSE_HDR_OPT_CB = 13;
export const BPF_SOCK_OPS_HDR_OPT_LEN_CB = 14;
export const BPF_SOCK_OPS_WRITE_HDR_OPT_CB = 15;
export const BPF_SOCK_OPS_TSTAMP_SCHED_CB = 16;
export const BPF_SOCK_OPS_TSTAMP_SND_SW_CB = 17;
export const BPF_SOCK_OPS_TSTAMP_SND_HW_CB = 18;
export const BPF_SOCK_OPS_TSTAMP_ACK_CB = 19;
export const BPF_SOCK_OPS_TSTAMP_SENDMSG_CB = 20;

// enum bpf_ret_code
export const BPF_OK = 0;
export const BPF_DROP = 2;
export const BPF_REDIRECT = 7;
export const BPF_LWT_REROUTE = 128;
export const BPF_FLOW_DISSECTOR_CONTINUE = 129;

// enum
export const BPF_FLOW_DISSECTOR_F_PARSE_1ST_FRAG = 1;
export const BPF_FLOW_DISSECTOR_F_STOP_AT_FLOW_LABEL = 2;
export const BPF_FLOW_DISSECTOR_F_STOP_AT_ENCAP = 4;

// enum tcx_action_base
export const TCX_NEXT = -1;
export const TCX_PASS = 0;
export const TCX_DROP = 2;
export const TCX_REDIRECT = 7;

// enum
export const BPF_F_RECOMPUTE_CSUM = 1;
export const BPF_F_INVALIDATE_HASH = 2;

// enum
export const BPF_F_HDR_FIELD_MASK = 15;

// enum
export const BPF_F_PSEUDO_HDR = 16;
export const BPF_F_MARK_MANGLED_0 = 32;
export const BPF_F_MARK_ENFORCE = 64;
export const BPF_F_IPV6 = 128;

// enum
export const BPF_F_TUNINFO_IPV6 = 1;

// enum
export const BPF_F_ZERO_CSUM_TX = 2;
export const BPF_F_DONT_FRAGMENT = 4;
export const BPF_F_SEQ_NUMBER = 8;
export const BPF_F_NO_TUNNEL_KEY = 16;

// enum
export const BPF_F_TUNINFO_FLAGS = 16;

// enum
export const BPF_CSUM_LEVEL_QUERY = 0;
export const BPF_CSUM_LEVEL_INC = 1;
export const BPF_CSUM_LEVEL_DEC = 2;
export const BPF_CSUM_LEVEL_RESET = 3;

// enum
export const BPF_F_ADJ_ROOM_FIXED_GSO = 1;
export const BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 = 2;
export const BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 = 4;
export const BPF_F_ADJ_ROOM_ENCAP_L4_GRE = 8;
export const BPF_F_ADJ_ROOM_ENCAP_L4_UDP = 16;
export const BPF_F_ADJ_ROOM_NO_CSUM_RESET = 32;
export const BPF_F_ADJ_ROOM_ENCAP_L2_ETH = 64;
export const BPF_F_ADJ_ROOM_DECAP_L3_IPV4 = 128;
export const BPF_F_ADJ_ROOM_DECAP_L3_IPV6 = 256;

// enum
export const BPF_ADJ_ROOM_ENCAP_L2_MASK = 255;
export const BPF_ADJ_ROOM_ENCAP_L2_SHIFT = 56;

// enum
export const BPF_SK_LOOKUP_F_REPLACE = 1;
export const BPF_SK_LOOKUP_F_NO_REUSEPORT = 2;

// enum bpf_adj_room_mode
export const BPF_ADJ_ROOM_NET = 0;
export const BPF_ADJ_ROOM_MAC = 1;

// enum bpf_hdr_start_off
export const BPF_HDR_START_MAC = 0;
export const BPF_HDR_START_NET = 1;

// enum bpf_lwt_encap_mode
export const BPF_LWT_ENCAP_SEG6 = 0;
export const BPF_LWT_ENCAP_SEG6_INLINE = 1;
export const BPF_LWT_ENCAP_IP = 2;

// enum
export const BPF_SKB_TSTAMP_UNSPEC = 0;
export const BPF_SKB_TSTAMP_DELIVERY_MONO = 1;
export const BPF_SKB_CLOCK_REALTIME = 0;
export const BPF_SKB_CLOCK_MONOTONIC = 1;
export const BPF_SKB_CLOCK_TAI = 2;

// enum
export const BPF_SOCK_OPS_RTO_CB_FLAG = 1;
export const BPF_SOCK_OPS_RETRANS_CB_FLAG = 2;
export const BPF_SOCK_OPS_STATE_CB_FLAG = 4;
export const BPF_SOCK_OPS_RTT_CB_FLAG = 8;
export const BPF_SOCK_OPS_PARSE_ALL_HDR_OPT_CB_FLAG = 16;
export const BPF_SOCK_OPS_PARSE_UNKNOWN_HDR_OPT_CB_FLAG = 32;
export const BPF_SOCK_OPS_WRITE_HDR_OPT_CB_FLAG = 64;
export const BPF_SOCK_OPS_ALL_CB_FLAGS = 127;

// enum
export const TCP_BPF_IW = 1001;
export const TCP_BPF_SNDCWND_CLAMP = 1002;
export const TCP_BPF_DELACK_MAX = 1003;
export const TCP_BPF_RTO_MIN = 1004;
export const TCP_BPF_SYN = 1005;
export const TCP_BPF_SYN_IP = 1006;
export const TCP_BPF_SYN_MAC = 1007;
export const TCP_BPF_SOCK_OPS_CB_FLAGS = 1008;

// enum
export const BPF_LOAD_HDR_OPT_TCP_SYN = 1;

// enum
export const BPF_FIB_LOOKUP_DIRECT = 1;
export const BPF_FIB_LOOKUP_OUTPUT = 2;
export const BPF_FIB_LOOKUP_SKIP_NEIGH = 4;
export const BPF_FIB_LOOKUP_TBID = 8;
export const BPF_FIB_LOOKUP_SRC = 16;
export const BPF_FIB_LOOKUP_MARK = 32;

// enum
export const BPF_FIB_LKUP_RET_SUCCESS = 0;
export const BPF_FIB_LKUP_RET_BLACKHOLE = 1;
export const BPF_FIB_LKUP_RET_UNREACHABLE = 2;
export const BPF_FIB_LKUP_RET_PROHIBIT = 3;
export const BPF_FIB_LKUP_RET_NOT_FWDED = 4;
export const BPF_FIB_LKUP_RET_FWD_DISABLED = 5;
export const BPF_FIB_LKUP_RET_UNSUPP_LWT = 6;
export const BPF_FIB_LKUP_RET_NO_NEIGH = 7;
export const BPF_FIB_LKUP_RET_FRAG_NEEDED = 8;
export const BPF_FIB_LKUP_RET_NO_SRC_ADDR = 9;

// enum bpf_check_mtu_flags
export const BPF_MTU_CHK_SEGS = 1;

// enum bpf_check_mtu_ret
export const BPF_MTU_CHK_RET_SUCCESS = 0;
export const BPF_MTU_CHK_RET_FRAG_NEEDED = 1;
export const BPF_MTU_CHK_RET_SEGS_TOOBIG = 2;

// enum
export const BPF_F_NEIGH = 65536;
export const BPF_F_PEER = 131072;
export const BPF_F_NEXTHOP = 262144;

// enum
export const BPF_F_CURRENT_NETNS = -1;

// enum
export const BPF_TCP_ESTABLISHED = 1;
export const BPF_TCP_SYN_SENT = 2;
export const BPF_TCP_SYN_RECV = 3;
export const BPF_TCP_FIN_WAIT1 = 4;
export const BPF_TCP_FIN_WAIT2 = 5;
export const BPF_TCP_TIME_WAIT = 6;
export const BPF_TCP_CLOSE = 7;
export const BPF_TCP_CLOSE_WAIT = 8;
export const BPF_TCP_LAST_ACK = 9;
export const BPF_TCP_LISTEN = 10;
export const BPF_TCP_CLOSING = 11;
export const BPF_TCP_NEW_SYN_RECV = 12;
export const BPF_TCP_BOUND_INACTIVE = 13;
export const BPF_TCP_MAX_STATES = 14;

// enum
export const BPF_WRITE_HDR_TCP_CURRENT_MSS = 1;
export const BPF_WRITE_HDR_TCP_SYNACK_COOKIE = 2;

// enum
export const TCP_BPF_IPV4 = 0;
export const TCP_BPF_IPV6 = 1;
export const TCP_BPF_NUM_PROTS = 2;

// enum
export const TCP_BPF_BASE = 0;
export const TCP_BPF_TX = 1;
export const TCP_BPF_RX = 2;
export const TCP_BPF_TXRX = 3;
export const TCP_BPF_NUM_CFGS = 4;

// enum
export const BPF_XFRM_STATE_OPTS_SZ = 36;
