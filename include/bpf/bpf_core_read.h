/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/*
 * CO-RE from C: reads that follow pointers through kernel structures, and questions about what a kernel has. The compiler
 * records each access; the loader rewrites it for the kernel at hand. Part of skep.
 */
#ifndef SKEP_BPF_CORE_READ_H
#define SKEP_BPF_CORE_READ_H

#include "bpf_helpers.h"

/* Kinds of questions, as the builtins take them: enum bpf_core_relo_kind is made of these. */
enum bpf_field_info_kind {
	BPF_FIELD_BYTE_OFFSET = 0,
	BPF_FIELD_BYTE_SIZE = 1,
	BPF_FIELD_EXISTS = 2,
	BPF_FIELD_SIGNED = 3,
	BPF_FIELD_LSHIFT_U64 = 4,
	BPF_FIELD_RSHIFT_U64 = 5,
};
enum bpf_type_id_kind { BPF_TYPE_ID_LOCAL = 0, BPF_TYPE_ID_TARGET = 1 };
enum bpf_type_info_kind { BPF_TYPE_EXISTS = 0, BPF_TYPE_SIZE = 1, BPF_TYPE_MATCHES = 2 };
enum bpf_enum_value_kind { BPF_ENUMVAL_EXISTS = 0, BPF_ENUMVAL_VALUE = 1 };

/* A field is named `ptr->a.b` or `struct s, a.b`. */
#define ___core_field1(field) (field)
#define ___core_field2(type, field) (((typeof(type) *)0)->field)
#define ___core_field(field...) ___bpf_apply(___core_field, ___bpf_narg(field))(field)

#define bpf_core_field_exists(field...) __builtin_preserve_field_info(___core_field(field), BPF_FIELD_EXISTS)
#define bpf_core_field_size(field...) __builtin_preserve_field_info(___core_field(field), BPF_FIELD_BYTE_SIZE)
#define bpf_core_field_offset(field...) __builtin_preserve_field_info(___core_field(field), BPF_FIELD_BYTE_OFFSET)

#define bpf_core_type_id_local(type) __builtin_btf_type_id(*(typeof(type) *)0, BPF_TYPE_ID_LOCAL)
#define bpf_core_type_id_kernel(type) __builtin_btf_type_id(*(typeof(type) *)0, BPF_TYPE_ID_TARGET)
#define bpf_core_type_exists(type) __builtin_preserve_type_info(*(typeof(type) *)0, BPF_TYPE_EXISTS)
#define bpf_core_type_matches(type) __builtin_preserve_type_info(*(typeof(type) *)0, BPF_TYPE_MATCHES)
#define bpf_core_type_size(type) __builtin_preserve_type_info(*(typeof(type) *)0, BPF_TYPE_SIZE)

#define bpf_core_enum_value_exists(type, value) \
	__builtin_preserve_enum_value(*(typeof(type) *)value, BPF_ENUMVAL_EXISTS)
#define bpf_core_enum_value(type, value) __builtin_preserve_enum_value(*(typeof(type) *)value, BPF_ENUMVAL_VALUE)

/* One relocated read, into memory of the program. */
#define bpf_core_read(dst, size, src) \
	bpf_probe_read_kernel(dst, size, (const void *)__builtin_preserve_access_index(src))
#define bpf_core_read_user(dst, size, src) \
	bpf_probe_read_user(dst, size, (const void *)__builtin_preserve_access_index(src))
#define bpf_core_read_str(dst, size, src) \
	bpf_probe_read_kernel_str(dst, size, (const void *)__builtin_preserve_access_index(src))
#define bpf_core_read_user_str(dst, size, src) \
	bpf_probe_read_user_str(dst, size, (const void *)__builtin_preserve_access_index(src))
#define bpf_core_cast(ptr, type) ((typeof(type) *)bpf_rdonly_cast((ptr), bpf_core_type_id_kernel(type)))

/* A bit-field by load and shifts; `s` must be a pointer to the structure. */
#define BPF_CORE_READ_BITFIELD_PROBED(s, field) \
	({ \
		unsigned long long ___v = 0; \
		bpf_probe_read_kernel(&___v, __builtin_preserve_field_info((s)->field, BPF_FIELD_BYTE_SIZE), \
				      (const void *)(s) + __builtin_preserve_field_info((s)->field, BPF_FIELD_BYTE_OFFSET)); \
		___v <<= __builtin_preserve_field_info((s)->field, BPF_FIELD_LSHIFT_U64); \
		if (__builtin_preserve_field_info((s)->field, BPF_FIELD_SIGNED)) \
			___v = ((long long)___v) >> __builtin_preserve_field_info((s)->field, BPF_FIELD_RSHIFT_U64); \
		else \
			___v = ___v >> __builtin_preserve_field_info((s)->field, BPF_FIELD_RSHIFT_U64); \
		___v; \
	})
#define BPF_CORE_READ_BITFIELD(s, field) \
	({ \
		const void *___p = (const void *)(s) + __builtin_preserve_field_info((s)->field, BPF_FIELD_BYTE_OFFSET); \
		unsigned long long ___v = 0; \
		switch (__builtin_preserve_field_info((s)->field, BPF_FIELD_BYTE_SIZE)) { \
		case 1: ___v = *(const unsigned char *)___p; break; \
		case 2: ___v = *(const unsigned short *)___p; break; \
		case 4: ___v = *(const unsigned int *)___p; break; \
		case 8: ___v = *(const unsigned long long *)___p; break; \
		} \
		___v <<= __builtin_preserve_field_info((s)->field, BPF_FIELD_LSHIFT_U64); \
		if (__builtin_preserve_field_info((s)->field, BPF_FIELD_SIGNED)) \
			___v = ((long long)___v) >> __builtin_preserve_field_info((s)->field, BPF_FIELD_RSHIFT_U64); \
		else \
			___v = ___v >> __builtin_preserve_field_info((s)->field, BPF_FIELD_RSHIFT_U64); \
		___v; \
	})

/*
 * BPF_CORE_READ(p, a, b, c) is p->a->b->c with every pointer read by the helper: each step reads the next pointer
 * into ___p, the last one reads the value.
 */
#define ___core_type(x) typeof(x)
#define ___core_arrow1(a) a
#define ___core_arrow2(a, b) a->b
#define ___core_arrow3(a, b, c) a->b->c
#define ___core_arrow4(a, b, c, d) a->b->c->d
#define ___core_arrow5(a, b, c, d, e) a->b->c->d->e
#define ___core_arrow6(a, b, c, d, e, f) a->b->c->d->e->f
#define ___core_arrow7(a, b, c, d, e, f, g) a->b->c->d->e->f->g
#define ___core_arrow8(a, b, c, d, e, f, g, h) a->b->c->d->e->f->g->h
#define ___core_arrow9(a, b, c, d, e, f, g, h, i) a->b->c->d->e->f->g->h->i
#define ___core_arrow(...) ___bpf_apply(___core_arrow, ___bpf_narg(__VA_ARGS__))(__VA_ARGS__)

#define ___core_hop(read, from, acc, field) read(&___p, sizeof(___p), &((typeof(acc))(from))->field)
#define ___core_end(read, dst, from, acc, field) read(dst, sizeof(*(dst)), &((typeof(acc))(from))->field)

#define ___core_into2(read, dst, s, a) ___core_end(read, dst, s, s, a);
#define ___core_into3(read, dst, s, a, b) ___core_hop(read, s, s, a); ___core_end(read, dst, ___p, ___core_arrow(s, a), b);
#define ___core_into4(read, dst, s, a, b, c) \
	___core_hop(read, s, s, a); ___core_hop(read, ___p, ___core_arrow(s, a), b); \
	___core_end(read, dst, ___p, ___core_arrow(s, a, b), c);
#define ___core_into5(read, dst, s, a, b, c, d) \
	___core_hop(read, s, s, a); ___core_hop(read, ___p, ___core_arrow(s, a), b); \
	___core_hop(read, ___p, ___core_arrow(s, a, b), c); ___core_end(read, dst, ___p, ___core_arrow(s, a, b, c), d);
#define ___core_into6(read, dst, s, a, b, c, d, e) \
	___core_hop(read, s, s, a); ___core_hop(read, ___p, ___core_arrow(s, a), b); \
	___core_hop(read, ___p, ___core_arrow(s, a, b), c); ___core_hop(read, ___p, ___core_arrow(s, a, b, c), d); \
	___core_end(read, dst, ___p, ___core_arrow(s, a, b, c, d), e);
#define ___core_into7(read, dst, s, a, b, c, d, e, f) \
	___core_hop(read, s, s, a); ___core_hop(read, ___p, ___core_arrow(s, a), b); \
	___core_hop(read, ___p, ___core_arrow(s, a, b), c); ___core_hop(read, ___p, ___core_arrow(s, a, b, c), d); \
	___core_hop(read, ___p, ___core_arrow(s, a, b, c, d), e); \
	___core_end(read, dst, ___p, ___core_arrow(s, a, b, c, d, e), f);
#define ___core_into(read, dst, s, a...) \
	({ void *___p; ___bpf_apply(___core_into, ___bpf_narg(s, ##a))(read, dst, s, a) 0; })

#define BPF_CORE_READ_INTO(dst, src, a, ...) ___core_into(bpf_core_read, dst, (src), a, ##__VA_ARGS__)
#define BPF_CORE_READ_USER_INTO(dst, src, a, ...) ___core_into(bpf_core_read_user, dst, (src), a, ##__VA_ARGS__)
#define BPF_CORE_READ(src, a, ...) \
	({ ___core_type(___core_arrow((src), a, ##__VA_ARGS__)) ___r; BPF_CORE_READ_INTO(&___r, (src), a, ##__VA_ARGS__); ___r; })
#define BPF_CORE_READ_USER(src, a, ...) \
	({ ___core_type(___core_arrow((src), a, ##__VA_ARGS__)) ___r; BPF_CORE_READ_USER_INTO(&___r, (src), a, ##__VA_ARGS__); ___r; })

/* The same without relocations, for structures whose layout is fixed. */
#define ___probe_read(dst, size, src) bpf_probe_read_kernel(dst, size, (const void *)(src))
#define ___probe_read_user(dst, size, src) bpf_probe_read_user(dst, size, (const void *)(src))
#define BPF_PROBE_READ_INTO(dst, src, a, ...) ___core_into(___probe_read, dst, (src), a, ##__VA_ARGS__)
#define BPF_PROBE_READ_USER_INTO(dst, src, a, ...) ___core_into(___probe_read_user, dst, (src), a, ##__VA_ARGS__)
#define BPF_PROBE_READ(src, a, ...) \
	({ ___core_type(___core_arrow((src), a, ##__VA_ARGS__)) ___r; BPF_PROBE_READ_INTO(&___r, (src), a, ##__VA_ARGS__); ___r; })
#define BPF_PROBE_READ_USER(src, a, ...) \
	({ ___core_type(___core_arrow((src), a, ##__VA_ARGS__)) ___r; BPF_PROBE_READ_USER_INTO(&___r, (src), a, ##__VA_ARGS__); ___r; })

#endif
