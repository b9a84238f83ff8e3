import { describe, expect, test } from 'vitest';
import { COMMANDS, type CommandRow, type Field } from './commands.ts';
import { ATTR_LAYOUTS, LAYOUTS, type Layout } from './generated/layouts.ts';
import type { BtfInfo, LinkInfo, MapInfo, ProgInfo } from './infos.ts';

const ARMS: Readonly<Record<string, Layout>> = ATTR_LAYOUTS;
const SIZES: Record<Field['kind'], number> = {
  u32: 4,
  s32: 4,
  u64: 8,
  name: 16,
  cstr: 8,
  cstrs: 8,
  bytes: 8,
  room: 8,
  info: 8,
};
const ROWS: [string, CommandRow][] = Object.entries(COMMANDS);

describe('the rows of commands.ts and the layouts of bpf_attr', () => {
  test.each(ROWS)('%s: every field lies in its arm, with the size its kind has', (_name, row) => {
    const arm = ARMS[row.arm]!;
    expect(arm, row.arm).toBeDefined();
    for (const [name, field] of Object.entries(row.fields)) {
      const layout = arm.fields[field.path || name];
      expect(layout, `${row.arm}.${field.path || name}`).toBeDefined();
      expect(layout!.size, name).toBe(SIZES[field.kind]);
    }
  });

  test.each(ROWS)('%s: every count names a field of 4 bytes in the arm', (_name, row) => {
    for (const field of Object.values(row.fields)) {
      if (field.count !== undefined) expect(ARMS[row.arm]!.fields[field.count]?.size, field.count).toBe(4);
    }
  });

  test('numbers of commands are in order and without a gap', () => {
    expect(ROWS.map(([, row]) => row.id)).toEqual(ROWS.map((_, i) => i));
  });

  test('the largest arm is as large as the union', () => {
    const sizes = Object.entries(ARMS).filter(([name]) => name !== 'any');
    expect(Math.max(...sizes.map(([, arm]) => arm.size))).toBe(ATTR_LAYOUTS.any.size);
  });
});

describe('layouts', () => {
  const all: [string, Layout][] = [...Object.entries(ATTR_LAYOUTS), ...Object.entries(LAYOUTS)];
  test.each(all)('%s: no field reaches past the end', (_name, layout) => {
    for (const [name, f] of Object.entries(layout.fields)) {
      expect(f.offset + f.size, name).toBeLessThanOrEqual(layout.size);
      if (f.count !== undefined && f.count !== 0) expect(f.size % f.count).toBe(0);
    }
  });

  test('the info structures have the sizes that Linux 6.18 answers', () => {
    expect(LAYOUTS.bpf_prog_info.size).toBe(232);
    expect(LAYOUTS.bpf_btf_info.size).toBe(32);
    expect(LAYOUTS.bpf_link_info.fields['perf_event.kprobe.cookie'].offset).toBeGreaterThan(16);
  });
});

/** True where every name of Names is a field of the structure; otherwise the names that are not: a type error below. */
type AllIn<Names, S extends keyof typeof LAYOUTS> = [
  Exclude<Names, keyof (typeof LAYOUTS)[S]['fields'] | 'of'>,
] extends [never]
  ? true
  : Exclude<Names, keyof (typeof LAYOUTS)[S]['fields'] | 'of'>;

describe('the values of infos.ts', () => {
  test('name fields that the info structures have', () => {
    const prog: AllIn<keyof ProgInfo, 'bpf_prog_info'> = true;
    const map: AllIn<keyof MapInfo, 'bpf_map_info'> = true;
    const btf: AllIn<keyof BtfInfo, 'bpf_btf_info'> = true;
    const link: AllIn<keyof LinkInfo, 'bpf_link_info'> = true;
    expect([prog, map, btf, link]).toEqual([true, true, true, true]);
  });
});
