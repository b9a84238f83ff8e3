/** The package as a user gets it: packed, installed into an empty folder, used by its command and by its types. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = (cwd: string, command: string, ...args: string[]): string =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

describe('the packed package', () => {
  let folder: string;
  let files: string[];

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'skep-pack-'));
    const [packed] = JSON.parse(run(root, 'npm', 'pack', '--ignore-scripts', '--json', '--pack-destination', folder));
    files = packed.files.map((f: { path: string }) => f.path);
    writeFileSync(join(folder, 'package.json'), '{ "name": "user", "private": true, "type": "module" }');
    run(
      folder,
      'npm',
      'install',
      '--ignore-scripts',
      '--omit=optional',
      '--no-audit',
      '--no-fund',
      `./${packed.filename}`,
    );
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('carries what it runs and shows, and nothing of how it is made', () => {
    for (const wanted of [
      'dist/bin/skep.js',
      'dist/client/index.d.ts',
      'examples/hello.bpf.o',
      'include/bpf/bpf_helpers.h',
      'LICENSE',
    ]) {
      expect(files).toContain(wanted);
    }
    expect(files.filter((f) => /^(src|test|tools|bench)\/|\.test\.|tsbuildinfo/.test(f))).toEqual([]);
  });

  it('answers npx skep version', () => {
    expect(run(folder, 'npx', '--no-install', 'skep', 'version')).toMatch(/^bpftool v7\.8\.0\n/);
  });

  it('gives every subpath export to an importer, with types', () => {
    const exports = Object.keys(
      JSON.parse(run(root, 'node', '-p', 'JSON.stringify(require("./package.json").exports)')),
    );
    const names = exports.filter((e) => !e.includes('*') && e !== './package.json').map((e) => `skep${e.slice(1)}`);
    writeFileSync(
      join(folder, 'use.ts'),
      `import { decode, assemble, disassemble } from 'skep/isa';
import { BPF_MAP_TYPE_HASH } from 'skep/uapi/generated/constants';
${names.map((name, i) => `import * as m${i} from '${name}';`).join('\n')}
const insns = assemble('r0 = 7; exit');
const text: string = disassemble(insns, 0);
const type: number = BPF_MAP_TYPE_HASH;
// @ts-expect-error: decode takes bytes, and types must say so
export const misuse = () => decode('b7');
console.log(text, type, ${names.map((_, i) => `Object.keys(m${i}).length > 0`).join(' && ')});
`,
    );
    const tsc = join(root, 'node_modules', '.bin', 'tsc');
    // Node's own types are the importer's; koffi's are not needed.
    run(
      folder,
      tsc,
      '--strict',
      '--module',
      'nodenext',
      '--target',
      'es2023',
      '--lib',
      'es2023,dom,esnext.disposable',
      '--typeRoots',
      join(root, 'node_modules', '@types'),
      '--types',
      'node',
      'use.ts',
    );
    expect(run(folder, 'node', 'use.js')).toBe('r0 = 7 1 true\n');
  }, 60_000);
});
