/** The program of which those of section `freplace/FUNCTION` replace a function. */
import { view } from '../../src/base/bytes.ts';
import { assemble, encode } from '../../src/isa/index.ts';
import type { Bpf } from '../../src/sys/index.ts';
import { BPF_PROG_TYPE_XDP } from '../../src/uapi/generated/constants.ts';
import { Types } from './types.ts';

export const TARGET_TYPES = `
int main(struct xdp_md *ctx);
int answer(struct xdp_md *ctx, int a);
static int hidden(int a);
int plain(int a);`;

const PROGRAM = `
  r6 = r1
  r2 = 1
  call answer
  r1 = r0
  call hidden
  r1 = r0
  call plain
  exit
answer:
  r0 = r2
  exit
hidden:
  r0 = r1
  exit
plain:
  r0 = 0
  exit`;
/** Instructions at which the functions begin, in the order in which they are declared. */
const STARTS = [0, 8, 10, 12];

/** Its descriptor. */
export async function loadTarget(bpf: Bpf): Promise<number> {
  const types = new Types(TARGET_TYPES);
  const info = new Uint8Array(STARTS.length * 8);
  for (const [i, id] of [...types.functions.values()].entries()) {
    view(info).setUint32(i * 8, STARTS[i]!, true);
    view(info).setUint32(i * 8 + 4, id, true);
  }
  return bpf.withFd(bpf.btfLoad(types.btf.build()), async (prog_btf_fd) => {
    const { fd } = await bpf.progLoad({
      prog_type: BPF_PROG_TYPE_XDP,
      insns: encode(assemble(PROGRAM)),
      license: 'GPL',
      log_level: 1,
      prog_btf_fd,
      func_info: info,
      func_info_rec_size: 8,
      func_info_cnt: STARTS.length,
    });
    return fd;
  });
}
