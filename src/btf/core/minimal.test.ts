import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseObject } from '../../object/index.ts';
import type { Btf } from '../btf.ts';
import { parseBtf } from '../read.ts';
import { loadReferenceBtfBytes } from '../reference/index.ts';
import { CORE_KIND_NAMES, CORE_TYPE_ID_TARGET } from './kinds.ts';
import { minimalBtf } from './minimal.ts';
import { type CoreProgram, relocateCore } from './relocate.ts';

const FOLDERS = ['../../../examples/', '../../../test/fixtures/linux/', '../../../test/fixtures/object/'];
const objects = FOLDERS.map((folder) => fileURLToPath(new URL(folder, import.meta.url)))
  .filter(existsSync)
  .flatMap((folder) => readdirSync(folder).flatMap((name) => (name.endsWith('.bpf.o') ? [folder + name] : [])));

/** What each relocation comes to; ids are those of the types that are asked, so they differ. */
function answers(program: CoreProgram, btf: Btf, target: Btf) {
  return relocateCore(program, btf, target).outcomes.map(({ kind, subject, value, targetTypeId }) => {
    return {
      kind,
      subject,
      value: kind === CORE_KIND_NAMES[CORE_TYPE_ID_TARGET] ? undefined : value,
      found: targetTypeId > 0,
    };
  });
}

describe('the part of the types that programs want', () => {
  let kernel: Btf;
  beforeAll(async () => {
    kernel = parseBtf(await loadReferenceBtfBytes());
  });

  it('answers every relocation as the whole does', () => {
    let relocations = 0;
    for (const path of objects) {
      const { btf, programs } = parseObject(readFileSync(path));
      if (!btf) continue;
      for (const program of programs.values()) {
        const small = parseBtf(minimalBtf([{ program, btf }], kernel));
        expect(answers(program, btf, small), path).toEqual(answers(program, btf, kernel));
        expect(small.count).toBeLessThan(100);
        relocations += program.coreRelocations.length;
      }
    }
    expect(relocations).toBeGreaterThan(20);
  });

  it('is what several programs want together, members by their order in the kernel', () => {
    const { btf, programs } = parseObject(readFileSync(objects.find((path) => path.includes('opensnoop'))!));
    const small = parseBtf(
      minimalBtf(
        [...programs.values()].map((program) => ({ program, btf: btf! })),
        kernel,
      ),
    );
    const task = small.type(small.find('task_struct', 'struct'));
    expect(task?.kind === 'struct' && task.members.map(({ name }) => name)).toEqual(['tgid', 'real_parent']);
    expect(task).toMatchObject({ size: (kernel.type(kernel.find('task_struct', 'struct')) as { size: number }).size });
  });

  it('is empty where nothing is relocated', () => {
    expect(parseBtf(minimalBtf([], kernel)).count).toBe(1);
  });
});
