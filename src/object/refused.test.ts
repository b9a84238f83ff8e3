import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ElfError } from '../base/errors.ts';
import { parseObject } from './index.ts';

const fixture = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../../test/fixtures/object/${name}`, import.meta.url)));

describe('parseObject refuses', () => {
  it.each([
    ['undefined-function', "'nowhere' is used but not defined"],
    ['unknown-field', "map 'painted' has a field 'colour' that is not known (at section .maps, offset 0x0)"],
    ['no-type', "map 'shapeless' does not say its type"],
    ['two-sizes', "map 'torn' has a key of 8 and of 4 bytes"],
    ['no-btf', 'the object has none: compile it with -g'],
    ['inner-pinned', "map 'nest.inner' is an inner map, and those cannot have 'pinning'"],
    ['legacy-shape', "map 'odd' has a definition with fields that are not known"],
    ['kconfig-type', "'CONFIG_PAIR' is of a type that no option has: struct"],
  ])('%s.bpf.c: %s', (name, message) => {
    const bytes = fixture(`refused/${name}.bpf.o`);
    expect(() => parseObject(bytes)).toThrow(ElfError);
    expect(() => parseObject(bytes)).toThrow(message);
  });
});

describe('legacy.bpf.o', () => {
  const spec = parseObject(fixture('legacy.bpf.o'), { name: 'legacy' });

  it('has its maps and no BTF', () => {
    expect([...spec.maps.values()].map((m) => [m.name, m.type, m.keySize, m.valueSize, m.maxEntries, m.flags])).toEqual(
      [
        ['first', 2, 4, 8, 1, 0],
        ['second', 1, 4, 16, 100, 1],
      ],
    );
    expect(spec.btf).toBeUndefined();
    expect(spec.btfBytes).toBeUndefined();
    expect(spec.kernelVersion).toBe(0x40f00);
  });

  it('refers to its maps by where they lie in their section', () => {
    const program = spec.programs.get('prog')!;
    expect(program.references.map((r) => [r.kind, r.name])).toEqual([
      ['map', 'second'],
      ['map', 'first'],
    ]);
    expect(program.funcInfo).toHaveLength(0);
    expect(program.lineInfo).toHaveLength(0);
  });
});
