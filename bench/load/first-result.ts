/** From BPF_PROG_LOAD to the first result. */
import type { Kernel } from '../../src/sys/index.ts';
import { BPF_PROG_TYPE_SOCKET_FILTER } from '../../src/uapi/generated/constants.ts';

/** Milliseconds that loading takes, and that the first run takes after it. */
export async function firstResult(kernel: Kernel, insns: Uint8Array): Promise<{ load: number; run: number }> {
  const began = performance.now();
  const { ret: fd } = await kernel.bpf('PROG_LOAD', { prog_type: BPF_PROG_TYPE_SOCKET_FILTER, insns, license: 'GPL' });
  const loaded = performance.now();
  await kernel.bpf('PROG_TEST_RUN', { prog_fd: fd, data_in: new Uint8Array(64), data_out: 64, repeat: 1 });
  const ran = performance.now();
  await kernel.closeFd(fd);
  return { load: loaded - began, run: ran - loaded };
}
