/** docs/verifier: what stands there is what both kernels say, and what is mended loads. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadCollection } from '../../src/client/index.ts';
import { createKernel } from '../../src/kernel/index.ts';
import { openLinuxKernel } from '../../src/linux/index.ts';
import type { Kernel } from '../../src/sys/index.ts';
import { ROOT, readPages } from '../docs/pages.ts';
import { describeKernel } from '../support/real-kernel.ts';
import { endOfLog, refusalOf } from './broken.ts';

const FOLDER = join(ROOT, 'examples/verifier');
const names = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.bpf.o'))
  .map((name) => name.slice(0, -'.bpf.o'.length));
const shown = readPages()
  .flatMap(({ blocks }) => blocks)
  .flatMap(({ info, text }) => {
    const m = /^log (\S+) (\d+)$/.exec(info);
    return m ? [{ name: m[1]!, lines: Number(m[2]), text }] : [];
  });

function both(open: () => Promise<Kernel>): void {
  it('say what the pages show', { timeout: 120_000 }, async () => {
    expect(shown.map(({ name }) => name).sort()).toEqual([...names].sort());
    for (const { name, lines, text } of shown) {
      const kernel = await open();
      expect(`${await endOfLog(kernel, ROOT, name, lines)}\n`).toBe(text);
      await kernel.close();
    }
  });

  it('name the line of C, the instruction and the errno', { timeout: 120_000 }, async () => {
    const kernel = await open();
    const error = await refusalOf(kernel, ROOT, 'packet');
    expect(error).toMatchObject({ code: 'EACCES', errno: 13, pc: 1 });
    expect(error.sourceLine).toMatch(/^packet\.bpf\.c:\d+: return data\[12\]/);
    expect((await refusalOf(kernel, ROOT, 'loop')).message).toContain('infinite loop detected at insn 0');
    await kernel.close();
  });

  it('take what is mended', { timeout: 120_000 }, async () => {
    for (const name of names) {
      const kernel = await open();
      const object = readFileSync(join(FOLDER, `${name}.bpf.o`));
      await (await loadCollection(kernel, object, { programs: ['mended'] })).close();
      await kernel.close();
    }
  });
}

describe('the programs of docs/verifier on the embedded kernel', () => both(async () => createKernel().open()));
describeKernel('the programs of docs/verifier on Linux', () => both(openLinuxKernel));
