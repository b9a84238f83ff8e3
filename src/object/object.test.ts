import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { toHex, view } from '../base/bytes.ts';
import { parseBtf } from '../btf/index.ts';
import { type ProgramSpec, parseElf, parseObject, relocateCore, sectionMeaning, typesForKernel } from './index.ts';

const FIXTURES = new URL('../../test/fixtures/object/', import.meta.url);
const fixture = (name: string) => new Uint8Array(readFileSync(new URL(name, FIXTURES)));

interface Captured {
  cmd: 'prog' | 'map' | 'btf';
  name: string;
  type: number;
  attach: number;
  flags: number;
  license: string;
  insns: string;
  funcInfo: string;
  lineInfo: string;
  spec: number[];
  bytes: string;
}

/** What libbpf asked of the kernel for an object: see test/fixtures/object/libbpf. */
const captured = (name: string): Captured[] => JSON.parse(readFileSync(new URL(name, FIXTURES), 'utf8'));

/** Instructions with zeroes where a loader puts descriptors, ids and addresses. */
function withoutDescriptors(insns: Uint8Array, program: ProgramSpec): string {
  const out = insns.slice();
  const dv = view(out);
  for (const r of program.references) {
    dv.setInt32(r.pc * 8 + 4, 0, true);
    if (r.kind === 'ksym') {
      dv.setInt32(r.pc * 8 + 12, 0, true);
      if (r.weak) dv.setUint8(r.pc * 8 + 1, dv.getUint8(r.pc * 8 + 1) & 15);
    }
    if (r.kind === 'kfunc') dv.setUint32(r.pc * 8, 0x85, true);
  }
  return toHex(out);
}

const KCONFIG = new Map([['LINUX_KERNEL_VERSION', '0x61200']]);

describe.each([
  { object: 'link', target: undefined },
  { object: 'core', target: 'target.bpf.o' },
])('what libbpf makes of $object.bpf.c', ({ object, target }) => {
  const spec = parseObject(fixture(`${object}.bpf.o`), { name: `${object}.bpf.o`, kconfig: KCONFIG });
  const rows = captured(`${object}.libbpf.json`);

  it('is the same for every program', () => {
    const targetBtf = target ? parseBtf(parseElf(fixture(target)).section('.BTF')!.data) : undefined;
    const programs = rows.filter((r) => r.cmd === 'prog');
    expect(spec.programs.size).toBe(programs.length);
    for (const p of spec.programs.values()) {
      const row = programs.find((r) => r.name === p.name.slice(0, 15))!;
      const insns = targetBtf ? relocateCore(p, spec.btf!, targetBtf).insns : p.insns;
      const theirs = Uint8Array.from(Buffer.from(row.insns, 'hex'));
      expect(withoutDescriptors(insns, p), p.name).toBe(withoutDescriptors(theirs, p));
      expect([p.type, p.attachType, p.flags], p.name).toEqual([row.type, row.attach, row.flags]);
      expect(toHex(p.funcInfo), p.name).toBe(row.funcInfo);
      expect(toHex(p.lineInfo), p.name).toBe(row.lineInfo);
      expect(spec.license).toBe(row.license);
    }
  });

  it('is the same for every map', () => {
    const maps = [...spec.maps.values()].flatMap((m) => (m.inner ? [m.inner, m] : [m]));
    expect(
      maps.map((m) => {
        const { key, value } = typesForKernel(m);
        return [m.name, [m.type, m.keySize, m.valueSize, m.maxEntries, m.flags, key, value, Number(m.extra)]];
      }),
    ).toEqual(rows.filter((r) => r.cmd === 'map').map((r) => [r.name, r.spec]));
  });

  it('is the same BTF, byte for byte', () => {
    expect(toHex(spec.btfBytes!)).toBe(rows.find((r) => r.cmd === 'btf')!.bytes);
  });
});

describe('link.bpf.o', () => {
  const spec = parseObject(fixture('link.bpf.o'), { name: 'link.bpf.o', kconfig: KCONFIG });

  it('has initial contents of maps of maps and prog arrays', () => {
    expect(spec.maps.get('outer')!.slots).toEqual(
      new Map([
        [1, 'first'],
        [3, 'second'],
      ]),
    );
    expect(spec.maps.get('jumps')!.slots).toEqual(new Map([[2, 'tail_target']]));
  });

  it('has the contents of its data sections, and freezes what is read-only', () => {
    const data = spec.maps.get('link.data')!;
    expect(data).toMatchObject({ isData: true, freeze: false });
    expect(toHex(data.data!.subarray(0, 8))).toBe('0700000000000000');
    expect(spec.maps.get('link.rodata')).toMatchObject({ freeze: true });
    expect(spec.maps.get('link.bss')!.data!.every((b) => b === 0)).toBe(true);
  });

  it('writes configuration values that it is given', () => {
    const map = spec.maps.get('link.kconfig')!;
    const version = spec.kconfig.find((k) => k.name === 'LINUX_KERNEL_VERSION')!;
    expect(view(map.data!).getUint32(version.offset, true)).toBe(0x61200);
    expect(spec.kconfig.map((k) => k.shape).sort()).toEqual(['bool', 'char', 'int', 'int', 'string', 'tristate']);
  });

  it('says what programs need from the kernel', () => {
    const references = spec.programs.get('kernel_symbols')!.references.filter((r) => !r.kind.startsWith('map'));
    expect(references.map((r) => [r.kind, r.name, r.weak])).toEqual([
      ['ksym', 'no_such_kfunc', true],
      ['kfunc', 'no_such_kfunc', true],
      ['kfunc', 'bpf_task_acquire', false],
      ['kfunc', 'bpf_task_release', false],
      ['ksym', '_stext', false],
      ['ksym', 'bpf_prog_active', true],
    ]);
  });

  it('marks programs that are not to be loaded unless asked for', () => {
    expect(spec.programs.get('tail_target')).toMatchObject({ optional: true, section: '?tc' });
    expect(spec.programs.get('config')).toMatchObject({ optional: false, attachTo: 'do_exit' });
  });

  it('takes the version section', () => {
    expect(spec.kernelVersion).toBe(0x61200);
  });

  it('refuses a configuration value that does not fit', () => {
    const kconfig = new Map([...KCONFIG, ['CONFIG_HZ', '"text"']]);
    expect(() => parseObject(fixture('link.bpf.o'), { kconfig })).toThrow(/'CONFIG_HZ' is "text", which does not fit/);
  });

  it('wants a value for every configuration extern that is not weak, if it is given values', () => {
    expect(() => parseObject(fixture('link.bpf.o'), { kconfig: new Map() })).toThrow(
      /needs the value of 'LINUX_KERNEL_VERSION'/,
    );
    expect(() => parseObject(fixture('link.bpf.o'))).not.toThrow();
  });
});

describe('across.bpf.o', () => {
  const spec = parseObject(fixture('across.bpf.o'));

  /** Names of a program's functions, in order, from its func_info. */
  const functions = (name: string) => {
    const info = view(spec.programs.get(name)!.funcInfo);
    return Array.from({ length: info.byteLength / 8 }, (_, i) => spec.btf!.type(info.getUint32(i * 8 + 4, true))!.name);
  };

  it('takes programs of other sections, and of their own, as subprograms', () => {
    expect(functions('caller')).toEqual(['caller', 'other', 'sub']);
    expect(functions('across')).toEqual(['across', 'other']);
  });

  it('appends the exception callback that only the kernel calls', () => {
    expect(functions('prog')).toEqual(['prog', 'sub', 'cb']);
  });

  it('makes each call count from the instruction after it', () => {
    const insns = view(spec.programs.get('caller')!.insns);
    const calls = Array.from({ length: insns.byteLength / 8 }, (_, pc) => pc).filter(
      (pc) => insns.getUint16(pc * 8, true) === 0x1085,
    );
    const targets = calls.map((pc) => pc + 1 + insns.getInt32(pc * 8 + 4, true));
    const info = view(spec.programs.get('caller')!.funcInfo);
    expect(targets).toEqual([info.getUint32(8, true), info.getUint32(16, true)]);
  });
});

describe('sectionMeaning', () => {
  it.each([
    ['xdp', { type: 6, attachType: 37, flags: 0, attachTo: '', optional: false }],
    ['?xdp.frags/devmap', { type: 6, attachType: 33, flags: 32, attachTo: 'devmap', optional: true }],
    ['kprobe/do_sys_openat2', { type: 2, attachType: 0, flags: 0, attachTo: 'do_sys_openat2', optional: false }],
    [
      'tracepoint/syscalls/sys_enter_open',
      { type: 5, attachType: 0, flags: 0, attachTo: 'syscalls/sys_enter_open', optional: false },
    ],
    ['lsm.s/file_open', { type: 29, attachType: 27, flags: 16, attachTo: 'file_open', optional: false }],
    ['cgroup/connect4', { type: 18, attachType: 10, flags: 0, attachTo: 'connect4', optional: false }],
    ['xdp/nothing', { type: 0, attachType: 0, flags: 0, attachTo: 'nothing', optional: false }],
    ['anything', { type: 0, attachType: 0, flags: 0, attachTo: '', optional: false }],
  ])('%s', (section, meaning) => {
    expect(sectionMeaning(section)).toEqual(meaning);
  });
});
