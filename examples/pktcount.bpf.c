// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0
// pktcount: counts packets and bytes per IP protocol, and drops what goes to listed ports.
//   skep run examples/pktcount.bpf.o --pcap examples/mixed.pcap
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct count {
	__u64 packets;
	__u64 bytes;
};

// By IP protocol number; 255 counts what is not IP.
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct count);
} counts SEC(".maps");

// Destination ports whose packets are dropped: skep run … --set drop_ports:53=1
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u16);
	__type(value, __u8);
} drop_ports SEC(".maps");

#define NOT_IP 255

static __always_inline void count(__u32 proto, __u64 bytes)
{
	struct count *c = bpf_map_lookup_elem(&counts, &proto);

	if (c) {
		c->packets++;
		c->bytes += bytes;
	}
}

// The destination port of TCP and UDP, else 0.
static __always_inline __u16 port_of(__u8 proto, void *at, void *end)
{
	if (proto != IPPROTO_TCP && proto != IPPROTO_UDP)
		return 0;
	// Both headers begin with the source and the destination port.
	struct udphdr *ports = at;

	if ((void *)ports + 4 > end)
		return 0;
	return bpf_ntohs(ports->dest);
}

SEC("xdp")
int pktcount(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	__u64 bytes = end - data;
	__u16 port = 0;

	if ((void *)(eth + 1) > end)
		return XDP_ABORTED;

	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = (void *)(eth + 1);

		if ((void *)(ip + 1) > end)
			return XDP_ABORTED;
		count(ip->protocol, bytes);
		port = port_of(ip->protocol, (void *)ip + ip->ihl * 4, end);
	} else if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip6 = (void *)(eth + 1);

		if ((void *)(ip6 + 1) > end)
			return XDP_ABORTED;
		count(ip6->nexthdr, bytes);
		port = port_of(ip6->nexthdr, ip6 + 1, end);
	} else {
		count(NOT_IP, bytes);
	}

	if (port && bpf_map_lookup_elem(&drop_ports, &port))
		return XDP_DROP;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
