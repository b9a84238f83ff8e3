import { describe, expect, it } from 'vitest';
import type { Kernel } from '../../sys/index.ts';
import { runBpftool } from '../index.ts';
import type { Io } from '../io.ts';

const MOUNTS = `sysfs /sys sysfs rw 0 0
bpf /sys/fs/bpf bpf rw,mode=700 0 0
bpf /run/my\\040mount bpf rw,delegate_cmds=map_create:prog_load,delegate_maps=a:b:c:d:e,delegate_progs=kprobe 0 0
`;

async function shown(words: readonly string[], kind: Kernel['kind']): Promise<string> {
  let out = '';
  const io = {
    out: (text: string) => void (out += text),
    readFile: async () => new TextEncoder().encode(MOUNTS),
  } as unknown as Io;
  const kernel = { kind, close: async () => {} } as unknown as Kernel;
  await runBpftool(words, { io, openKernel: async () => kernel, usage: '' });
  return out;
}

describe('token show', () => {
  it('lists what each mount allows, four names a line', async () => {
    const pad = (...names: string[]) => names.map((name) => name.padEnd(20)).join('');
    expect(await shown(['token'], 'linux')).toBe(
      `token_info  /run/my mount\n\tallowed_cmds:\n\t  ${pad('map_create', 'prog_load')}\n\tallowed_maps:\n` +
        `\t  ${pad('a', 'b', 'c', 'd')}\n\t  ${pad('e')}\n\tallowed_progs:\n\t  ${pad('kprobe')}\n`,
    );
  });

  it('says the same as JSON', async () => {
    expect(JSON.parse(await shown(['-j', 'token', 'list'], 'linux'))).toEqual([
      {
        token_info: '/run/my mount',
        allowed_cmds: ['map_create', 'prog_load'],
        allowed_maps: ['a', 'b', 'c', 'd', 'e'],
        allowed_progs: ['kprobe'],
      },
    ]);
  });

  it('does not speak of the machine’s mounts for another kernel', async () => {
    expect(await shown(['-j', 'token', 'show'], 'remote')).toBe('[]\n');
  });
});
