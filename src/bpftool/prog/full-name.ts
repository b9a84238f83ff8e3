/** A program's whole name: the kernel keeps 15 characters, its BTF the C function's name. */
import { view } from '../../base/bytes.ts';
import type { Bpf, Fd } from '../../sys/index.ts';
import type { ProgInfo } from '../../uapi/infos.ts';
import { reason } from '../failure.ts';

const LONGEST = 15;

export async function fullName(bpf: Bpf, fd: Fd, info: ProgInfo): Promise<string> {
  if (info.name.length < LONGEST || info.btf_id === 0 || info.nr_func_info === 0) return info.name;
  try {
    // Long names are few: the reader of types is loaded when there is one.
    const { parseBtf } = await import('../../btf/index.ts');
    const { func_info } = await bpf.progInfo(fd, 'func_info');
    const { btf } = await bpf.withFd(bpf.btfById(info.btf_id), (at) => bpf.btfInfo(at, { bytes: true }));
    const type = parseBtf(btf).type(view(func_info).getUint32(4, true));
    return type?.kind === 'func' && type.name.startsWith(info.name) ? type.name : info.name;
  } catch (error) {
    // Rethrows our own mistakes; a program without readable BTF keeps its short name.
    reason(error);
    return info.name;
  }
}
