/** The layer check catches what it is there for: violations planted in a copy of the sources. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('npm run check:layers', () => {
  let copy: string;
  beforeAll(() => {
    copy = mkdtempSync(join(tmpdir(), 'skep-layers-'));
    for (const part of ['src', 'tools', 'layers.mjs', 'package.json'])
      cpSync(join(root, part), join(copy, part), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  });
  afterAll(() => rmSync(copy, { recursive: true, force: true }));

  const check = (file: string, text: string) => {
    writeFileSync(join(copy, file), text);
    const { status, stderr } = spawnSync(process.execPath, ['tools/check-layers.mjs'], { cwd: copy, encoding: 'utf8' });
    rmSync(join(copy, file));
    return { status, stderr };
  };

  it('refuses an import against the direction, past a face, and of a Node module in portable code', () => {
    const { status, stderr } = check(
      'src/object/planted.ts',
      "import '../vm/index.ts';\nimport '../isa/insns.ts';\nimport 'node:fs';\n",
    );
    expect(status).toBe(1);
    expect(stderr).toContain('object-uses-only-lower-layers: src/object/planted.ts -> src/vm/index.ts');
    expect(stderr).toContain('enter-a-layer-by-its-index: src/object/planted.ts -> src/isa/insns.ts');
    expect(stderr).toContain('portable-code-stays-portable: src/object/planted.ts -> fs');
  }, 60_000);

  it('refuses a cycle of imports', () => {
    const { status, stderr } = check('src/btf/planted.ts', "import './planted.ts';\n");
    expect(status).toBe(1);
    expect(stderr).toContain('no-cycles: src/btf/planted.ts -> btf/planted.ts');
  }, 60_000);

  it('refuses a type-only import against the direction', () => {
    const { status, stderr } = check(
      'src/maps/planted.ts',
      "import type { Code } from '../vm/index.ts';\nexport type C = Code;\n",
    );
    expect(status).toBe(1);
    expect(stderr).toContain('maps-uses-only-lower-layers');
  }, 60_000);

  it('fails on a file that it cannot read', () => {
    const { status, stderr } = check('src/btf/planted.ts', 'this is { not TypeScript');
    expect(status).toBe(1);
    expect(stderr).not.toBe('');
  }, 60_000);
});
