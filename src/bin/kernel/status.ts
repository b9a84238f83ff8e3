/** `skep kernel status`: which kernels are served, and what they hold. Exit status 1 where there is none. */
import { connectKernel, type FoundKernel, findKernels } from '../../remote/index.ts';
import { Bpf, type IdKind } from '../../sys/index.ts';
import { readPid } from './pid-file.ts';

const KINDS: readonly IdKind[] = ['prog', 'map', 'link', 'btf'];

export async function showStatus(): Promise<number> {
  const found = await findKernels();
  for (const kernel of found) process.stdout.write(await line(kernel));
  if (found.length === 0) process.stdout.write('no kernel is running\n');
  return found.length > 0 ? 0 : 1;
}

async function line({ path, kind, pid }: FoundKernel): Promise<string> {
  const who = kind === 'user' ? `your kernel (pid ${readPid() ?? '?'})` : `kernel of a running command (pid ${pid})`;
  const kernel = await connectKernel(path);
  try {
    const counts = await Promise.all(KINDS.map((of) => count(new Bpf(kernel), of)));
    const held = KINDS.map((of, i) => `${of}s ${counts[i]}`).join(', ');
    return `${who}: ${held}\n\t${path}\n`;
  } finally {
    await kernel.close();
  }
}

async function count(bpf: Bpf, of: IdKind): Promise<number> {
  let n = 0;
  for await (const _ of bpf.ids(of)) n++;
  return n;
}
