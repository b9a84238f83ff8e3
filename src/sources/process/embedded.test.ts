import { describe, expect, test } from 'vitest';
import { acceptAll } from '../../../test/support/accept-all.ts';
import { cString, view } from '../../base/bytes.ts';
import { assemble, encode } from '../../isa/index.ts';
import { createKernel } from '../../kernel/index.ts';
import { Bpf, type PerfEventSpec } from '../../sys/index.ts';
import { whyNoTracing } from './libc.ts';
import { ProcessSource } from './process-source.ts';

const KPROBE = 2;
const TRACEPOINT = 5;
const KEY = new Uint8Array(4);
const why = whyNoTracing();

/** A kernel with one array map of one 64-byte value, which programs write what they saw to: r7 is its address. */
async function scene() {
  const kernel = createKernel({ verify: acceptAll });
  const bpf = new Bpf(kernel.open());
  const map = await bpf.mapCreate({ map_type: 2, key_size: 4, value_size: 64, max_entries: 1 });
  return {
    source: new ProcessSource(kernel),
    tasks: kernel.world.tasks,
    async attach(event: PerfEventSpec, text: string) {
      const insns = encode(assemble(`r6 = r1\nr7 = map[fd:${map}][0]+0\n${text}\nr0 = 0\nexit`));
      const prog_type = event.kind === 'tracepoint' ? TRACEPOINT : KPROBE;
      const { fd } = await bpf.progLoad({ prog_type, insns, license: 'GPL' });
      await bpf.kernel.perfEventAttach(await bpf.kernel.perfEventOpen(event), fd);
    },
    seen: async () => (await bpf.mapLookup(map, KEY, 64))!,
  };
}

describe.skipIf(why !== null)(`programs of the embedded kernel on a traced command${why ? ` (${why})` : ''}`, () => {
  test('read the path of an open from user memory, and who opens it', async () => {
    const s = await scene();
    await s.attach(
      { kind: 'tracepoint', category: 'syscalls', name: 'sys_enter_openat' },
      `r1 = r7
       r2 = 40
       r3 = *(u64 *)(r6 + 24)
       call bpf_probe_read_user_str#114
       r1 = r7
       r1 += 40
       r2 = 16
       call bpf_get_current_comm#16
       call bpf_get_current_pid_tgid#14
       *(u64 *)(r7 + 56) = r0`,
    );
    const traced = await s.source.run({
      argv: ['sh', '-c', 'cat /etc/hostname'],
      env: { PATH: process.env['PATH'] },
      stdio: 'pipe',
    });
    await traced.gone;
    const value = await s.seen();
    expect(cString(value)).toBe('/etc/hostname');
    expect(cString(value, 40)).toBe('cat');
    const pid = view(value).getUint32(56, true);
    expect(pid).toBe(view(value).getUint32(60, true));
    expect(s.tasks.get(pid)).toBeUndefined(); // it has ended
  });

  test('read the struct open_how that do_sys_openat2 gets', async () => {
    const s = await scene();
    await s.attach(
      { kind: 'kprobe', symbol: 'do_sys_openat2' },
      `r1 = r7
       r2 = 24
       r3 = *(u64 *)(r6 + 96)
       call bpf_probe_read_kernel#113`,
    );
    const traced = await s.source.run({ argv: ['sh', '-c', 'umask 0; : > /dev/null'], stdio: 'pipe' });
    await traced.gone;
    const value = view(await s.seen());
    expect(value.getBigUint64(0, true)).toBe(0o101001n | 0o100n); // O_WRONLY|O_CREAT|O_TRUNC|O_LARGEFILE
    expect(value.getBigUint64(8, true)).toBe(0o666n);
  });

  test('see what a call answered', async () => {
    const s = await scene();
    await s.attach(
      { kind: 'tracepoint', category: 'syscalls', name: 'sys_exit_chdir' },
      'r0 = *(u64 *)(r6 + 16)\n*(u64 *)(r7 + 0) = r0',
    );
    const traced = await s.source.run({ argv: ['sh', '-c', 'cd /no/such/directory'], stdio: 'pipe' });
    await traced.gone;
    expect(view(await s.seen()).getBigInt64(0, true)).toBe(-2n);
  });
});
