/** What docs/api/links.md says of the embedded kernel is so: a program of each section is attached there. */
import { describe, expect, it } from 'vitest';
import { BpfProgram } from '../../src/client/index.ts';
import { createKernel } from '../../src/kernel/index.ts';
import { sectionMeaning } from '../../src/object/index.ts';
import type { Kernel } from '../../src/sys/index.ts';
import { acceptAll } from '../support/accept-all.ts';
import { readPages } from './pages.ts';

/** What follows the section's word, where something has to. */
const PLACES: Readonly<Record<string, string>> = {
  tracepoint: 'syscalls/sys_enter_openat',
  tp: 'syscalls/sys_enter_openat',
  ksyscall: 'openat',
  kretsyscall: 'openat',
  raw_tracepoint: 'sys_enter',
  raw_tp: 'sys_enter',
  'raw_tracepoint.w': 'sys_enter',
  'raw_tp.w': 'sys_enter',
  kprobe: 'do_exit',
  kretprobe: 'do_exit',
};

/** What needs types of the kernel to load: docs/api/iterators.md has a sample that runs on both kernels. */
const TRIED_ELSEWHERE = new Set(['iter', 'iter.s']);

const OPTIONS = {
  device: 'lo',
  cgroup: '/sys/fs/cgroup',
  event: { kind: 'event', type: 1, config: 0n, sampleFreq: 10 },
} as const;

/** Section -> what the page says, for the rows that list their sections. */
function rows(): [section: string, embedded: boolean][] {
  const page = readPages().find(({ path }) => path === 'docs/api/links.md')!;
  const table = page.text.slice(page.text.indexOf('<!-- sections -->'), page.text.indexOf('<!-- end -->'));
  return table.split('\n').flatMap((line) => {
    const cells = line.split(/(?<!\\)\|/).map((cell) => cell.trim());
    const said = cells.at(-2);
    if (said !== 'yes' && said !== 'no') return [];
    const [, named, without] = /^(.*?)(?: \(no `(.*)`\))?$/.exec(cells[1]!)!;
    const sections = [...named!.matchAll(/`([^`]+)`/g)].flatMap((m) => expanded(m[1]!));
    return sections
      .filter((section) => without === undefined || !section.endsWith(`/${without}`))
      .map((section) => [section, said === 'yes'] as [string, boolean]);
  });
}

/** `a{b,c}` is ab and ac. */
function expanded(text: string): string[] {
  const [braces, words] = /\{([^}]*)\}/.exec(text) ?? [];
  return braces === undefined ? [text] : words!.split(',').flatMap((word) => expanded(text.replace(braces, word)));
}

/** Whether the embedded kernel puts a program of that section somewhere. */
async function attaches(kernel: Kernel, word: string): Promise<boolean> {
  const place = PLACES[word];
  const section = place === undefined ? word : `${word}/${place}`;
  const { type, attachType, attachTo } = sectionMeaning(section);
  const loaded = await BpfProgram.load(kernel, { type, attachType, insns: 'r0 = 0; exit' }).catch(() => null);
  if (loaded === null) return false;
  const program = new BpfProgram(kernel, loaded.fd, { name: 'p', section, type, attachType, attachTo });
  const { event, ...rest } = OPTIONS;
  const link = await program.attach(word === 'perf_event' ? { event } : rest).catch(() => null);
  await link?.close();
  await program.close();
  return link !== null;
}

describe('the table of sections', () => {
  it('lists what there is', () => expect(rows().length).toBeGreaterThan(60));

  for (const [section, embedded] of rows().filter(([word]) => !TRIED_ELSEWHERE.has(word))) {
    it(`is right about ${section} in the embedded kernel: ${embedded ? 'yes' : 'no'}`, async () => {
      const kernel = createKernel({ verify: acceptAll }).open();
      expect(await attaches(kernel, section)).toBe(embedded);
      await kernel.close();
    });
  }
});
