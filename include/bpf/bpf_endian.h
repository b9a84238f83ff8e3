/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/* Between the byte order of the network and the program's own. Constants are folded by the compiler. Part of skep. */
#ifndef SKEP_BPF_ENDIAN_H
#define SKEP_BPF_ENDIAN_H

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define bpf_ntohs(x) ((__u16)__builtin_bswap16((__u16)(x)))
#define bpf_ntohl(x) ((__u32)__builtin_bswap32((__u32)(x)))
#define bpf_be64_to_cpu(x) ((__u64)__builtin_bswap64((__u64)(x)))
#else
#define bpf_ntohs(x) ((__u16)(x))
#define bpf_ntohl(x) ((__u32)(x))
#define bpf_be64_to_cpu(x) ((__u64)(x))
#endif
#define bpf_htons(x) bpf_ntohs(x)
#define bpf_htonl(x) bpf_ntohl(x)
#define bpf_cpu_to_be64(x) bpf_be64_to_cpu(x)

#endif
