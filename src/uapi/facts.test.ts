import { describe, expect, test } from 'vitest';
import { ATTACH_TYPES, type AttachTypeRow, attachTypeName } from './attach-types.ts';
import { type Callee, mayCall } from './call-access.ts';
import * as abi from './generated/constants.ts';
import { HELPER_IDS } from './generated/helper-ids.ts';
import { LAYOUTS } from './generated/layouts.ts';
import { HELPERS, type HelperRow } from './helpers.ts';
import { KFUNCS, type KfuncRow } from './kfuncs.ts';
import { LINK_TYPES, linkTypeName } from './link-types.ts';
import { MAP_TYPES, mapTypeName } from './map-types.ts';
import { PROG_TYPES, type ProgTypeRow, progTypeName } from './prog-types.ts';

const VERSION = /^([3-6])\.(\d+)$/;
const constants: Readonly<Record<string, number | bigint>> = abi;

/** Constants of the header under a prefix, less what counts or supersedes. */
function enumerators(prefix: string): Map<string, number> {
  const out = new Map<string, number>();
  for (const [name, value] of Object.entries(constants)) {
    if (name.startsWith(prefix) && !/UNSPEC$|_DEPRECATED$/.test(name)) {
      out.set(name.slice(prefix.length).toLowerCase(), Number(value));
    }
  }
  return out;
}

const FAMILIES: [string, string, Readonly<Record<string, { id: number; since: string }>>][] = [
  ['program types', 'BPF_PROG_TYPE_', PROG_TYPES],
  ['link types', 'BPF_LINK_TYPE_', LINK_TYPES],
  ['map types', 'BPF_MAP_TYPE_', MAP_TYPES],
];

describe.each(FAMILIES)('%s', (_what, prefix, rows) => {
  test('there is one row for each number of the header, under its name', () => {
    const ours = Object.fromEntries(Object.entries(rows).map(([name, row]) => [name, row.id]));
    expect(ours).toEqual(Object.fromEntries(enumerators(prefix)));
  });
  test('each says which Linux brought it', () => {
    for (const row of Object.values(rows)) expect(row.since).toMatch(VERSION);
  });
});

describe('attach types', () => {
  test('each has the number of the header', () => {
    for (const [name, row] of Object.entries(ATTACH_TYPES)) {
      expect(constants[`BPF_${name.toUpperCase()}`], name).toBe(row.id);
      expect((row as AttachTypeRow).since).toMatch(VERSION);
    }
    expect(Object.keys(ATTACH_TYPES).length).toBe(abi.__MAX_BPF_ATTACH_TYPE);
  });
});

test('names are found by number, and nothing is where there is no row', () => {
  expect(progTypeName(abi.BPF_PROG_TYPE_XDP)).toBe('xdp');
  expect(attachTypeName(abi.BPF_TRACE_FEXIT)).toBe('trace_fexit');
  expect(linkTypeName(abi.BPF_LINK_TYPE_TCX)).toBe('tcx');
  expect(mapTypeName(abi.BPF_MAP_TYPE_LPM_TRIE)).toBe('lpm_trie');
  for (const name of [progTypeName, linkTypeName, mapTypeName]) expect(name(0)).toBeUndefined();
  for (const name of [progTypeName, attachTypeName, linkTypeName, mapTypeName]) expect(name(1000)).toBeUndefined();
});

describe('helpers', () => {
  const rows: [string, HelperRow][] = Object.entries(HELPERS);

  test('there is one row for each number of the header, in order', () => {
    expect(rows.map(([name, row]) => [name, row.id])).toEqual(Object.entries(HELPER_IDS));
  });

  test.each(rows)('%s: the row is whole', (_name, row) => {
    expect(row.since).toMatch(VERSION);
    expect(row.doc).toMatch(/^[A-Z].*\.$/);
    expect(row.args.length).toBeLessThanOrEqual(5);
    checkCallee(row);
    for (const [i, kind] of row.args.entries()) {
      // The size of memory is the argument after it, and a size follows nothing else.
      const takesSize = /^(mem|write_mem|uninit_mem)(_or_null)?$/.test(kind);
      const next = row.args[i + 1] ?? '';
      expect(/^const_size/.test(next), `${kind}, ${next}`).toBe(takesSize);
    }
    for (const variant of row.variants ?? []) {
      for (const type of variant.in) expect(row.allowedIn === 'base' || row.allowedIn.includes(type), type).toBe(true);
    }
  });
});

describe('kernel functions', () => {
  test.each(Object.entries(KFUNCS) as [string, KfuncRow][])('%s: the row is whole', (_name, row) => {
    expect(row.since).toMatch(VERSION);
    checkCallee(row);
  });
});

describe('program types', () => {
  test('each names a context that has a layout, or none', () => {
    for (const row of Object.values(PROG_TYPES) as ProgTypeRow[]) {
      if (row.context !== '') expect(LAYOUTS[row.context]).toBeDefined();
    }
  });
});

describe('mayCall', () => {
  const { BPF_PROG_TYPE_XDP: xdp, BPF_PROG_TYPE_LIRC_MODE2: lirc, BPF_PROG_TYPE_CGROUP_SOCK_ADDR: addr } = abi;
  test('knows the base set, and lirc_mode2 as the exception to it', () => {
    expect(mayCall(HELPERS.loop, xdp, 0)).toBe(true);
    expect(mayCall(HELPERS.loop, lirc, 0)).toBe(false);
    expect(mayCall(HELPERS.map_lookup_elem, lirc, 0)).toBe(true);
  });
  test('asks the attach type where it matters', () => {
    expect(mayCall(HELPERS.bind, addr, abi.BPF_CGROUP_INET4_CONNECT)).toBe(true);
    expect(mayCall(HELPERS.bind, addr, abi.BPF_CGROUP_INET4_BIND)).toBe(false);
  });
  test('forbids what the reference kernel does not have, and programs of no type', () => {
    expect(mayCall(HELPERS.override_return, abi.BPF_PROG_TYPE_KPROBE, 0)).toBe(false);
    expect(mayCall(HELPERS.map_lookup_elem, 999, 0)).toBe(false);
  });
});

function checkCallee(row: Callee): void {
  for (const [type, among] of Object.entries(row.attach ?? {})) {
    expect(row.allowedIn).toContain(type);
    for (const attach of among) {
      const progTypes: readonly string[] = ATTACH_TYPES[attach].progTypes;
      expect(progTypes, attach).toContain(type);
    }
  }
}
