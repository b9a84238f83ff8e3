/**
 * Pointers to sockets as contexts and helpers give them: read-only views, whatever the kernel's own layout is.
 */
import { sockField } from '../attach/context.ts';
import { SOCK_COMMON, SOCKET, TCP_SOCK, typeName } from '../state/types.ts';
import { type Access, answerUnknown, type PointerRule } from './rule.ts';

/** sizeof(struct bpf_tcp_sock), and where its 64-bit counters lie. */
const TCP_SOCK_SIZE = 112;
const TCP_WIDE_FROM = 80;
const TCP_WIDE_TO = 96;

export const sock: PointerRule = {
  access(env, ptr, a) {
    const { type } = ptr;
    if (a.write) env.reject('EACCES', `R${a.regno} cannot write into ${typeName(type)}`);
    if (ptr.smin < 0n) {
      env.reject(
        'EACCES',
        `R${a.regno} min value is negative, either use unsigned index or do a if (index >=0) check.`,
      );
    }
    if (!isField(type, a)) {
      env.reject('EACCES', `R${a.regno} invalid ${typeName(type)} access off=${a.off} size=${a.size}`);
    }
    answerUnknown(env, a);
  },
};

function isField(type: number, a: Access): boolean {
  const { off, size } = a;
  switch (type) {
    case SOCKET:
      return sockField(a);
    case SOCK_COMMON:
      // type, protocol, mark and priority are only in full sockets.
      return !(off >= 8 && off < 24) && sockField(a);
    case TCP_SOCK:
      if (off < 0 || off >= TCP_SOCK_SIZE || off % size !== 0) return false;
      return off >= TCP_WIDE_FROM && off < TCP_WIDE_TO ? size === 8 : size === 4;
    default:
      // struct bpf_xdp_sock: one field.
      return off >= 0 && off < 4 && off % size === 0 && size === 4;
  }
}
