/** What the kernel derives from a program, its tag above all, must be what Linux derives. */
import { expect, it } from 'vitest';
import { toHex } from '../../src/base/bytes.ts';
import { assemble, encode } from '../../src/isa/index.ts';
import { createKernel } from '../../src/kernel/index.ts';
import { openLinuxKernel } from '../../src/linux/index.ts';
import { Bpf, type Kernel } from '../../src/sys/index.ts';
import { describeKernel } from '../support/real-kernel.ts';

const PROGRAMS: readonly (readonly [title: string, text: (map: number) => string])[] = [
  ['two instructions', () => 'r0 = 0\nexit'],
  ['a map', (map) => `r1 = map[fd:${map}]\nr0 = 0\nexit`],
  ['a value of a map', (map) => `r1 = map[fd:${map}][0]+4\nr0 = *(u32 *)(r1 + 0)\nexit`],
  ['a wide constant', () => 'r1 = 0x123456789abcdef0 ll\nr0 = 0\nexit'],
  ['a hundred instructions', () => `${'r0 = 1\n'.repeat(99)}exit`],
];

describeKernel('facts of a loaded program agree with Linux', () => {
  it.each(PROGRAMS)('%s', async (_title, text) => {
    const linux = await openLinuxKernel();
    const embedded = createKernel().open();
    try {
      expect(await facts(embedded, text)).toEqual(await facts(linux, text));
    } finally {
      await linux.close();
      await embedded.close();
    }
  });
});

async function facts(kernel: Kernel, text: (map: number) => string) {
  const bpf = new Bpf(kernel);
  const map = await bpf.mapCreate({ map_type: 2, key_size: 4, value_size: 8, max_entries: 1 });
  const insns = encode(assemble(text(map)));
  const { fd } = await bpf.progLoad({ prog_type: 1, insns, license: 'GPL', prog_name: 'tagged' });
  const info = await bpf.progInfo(fd, 'prog_tags');
  const { type, name, gpl_compatible, nr_map_ids, verified_insns, nr_prog_tags, nr_jited_ksyms } = info;
  const { prog_type, prog_tag, memlock } = await bpf.kernel.fdInfo(fd);
  return {
    tag: toHex(info.tag),
    tags: toHex(info.prog_tags),
    ...{ type, name, gpl_compatible, nr_map_ids, verified_insns, nr_prog_tags, nr_jited_ksyms },
    ...{ prog_type, prog_tag, memlock },
  };
}
