/** What the documentation shows is so: samples run and print what stands below them, commands parse, links lead somewhere. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCommandLine } from '../../src/bin/argv.ts';
import { readOptions as readOpensnoop } from '../../src/bin/opensnoop/options.ts';
import { readOptions as readRun } from '../../src/bin/run/options.ts';
import { whyNoTracing } from '../../src/sources/index.ts';
import { ROOT, readPages } from './pages.ts';

/** Found from the root: an example runs in a folder of its own. */
const TSX = pathToFileURL(join(ROOT, 'node_modules/tsx/dist/loader.mjs')).href;
const pages = readPages();
const exported: Record<string, { default: string } | string> = JSON.parse(
  readFileSync(join(ROOT, 'package.json'), 'utf8'),
).exports;

/** Where a name of the package's lies in the sources. */
function sourceOf(name: string): string {
  const entry = `.${name.slice('skep'.length)}`;
  for (const [pattern, target] of Object.entries(exported)) {
    if (typeof target === 'string') continue;
    const [head, tail] = pattern.split('*') as [string, string | undefined];
    if (tail === undefined ? entry !== pattern : !entry.startsWith(head)) continue;
    const path = target.default.replace('*', entry.slice(head.length));
    return pathToFileURL(join(ROOT, path.replace(/^\.\/dist/, 'src').replace(/\.js$/, '.ts'))).href;
  }
  throw new Error(`package.json exports no '${name}'`);
}

function bpfWorks(): boolean {
  return spawnSync(process.execPath, ['tools/house/bpf-works.mjs'], { cwd: ROOT, stdio: 'ignore' }).status === 0;
}

/** What a sample needs of the machine, by the words behind `runnable`; the reason where it is not there. */
const NEEDS: Readonly<Record<string, () => string | null>> = {
  tracing: () => whyNoTracing(),
  linux: () => (bpfWorks() ? null : 'bpf(2) does not work here'),
};

describe('samples', () => {
  let folder: string;
  beforeAll(() => {
    const cache = join(ROOT, 'node_modules', '.cache');
    mkdirSync(cache, { recursive: true });
    folder = mkdtempSync(join(cache, 'samples-'));
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  for (const { path, blocks } of pages) {
    for (const [at, { info, text, line }] of blocks.entries()) {
      const [language = '', mark, ...needs] = info.split(' ');
      if (mark !== 'runnable') continue;
      const missing = needs.map((need) => NEEDS[need]!()).find((why) => why !== null);
      const name = `${path}:${line} prints what stands below it${needs.includes('linux') ? ' [kernel]' : ''}`;
      it.skipIf(missing !== undefined)(missing ? `${name} (${missing})` : name, () => {
        const file = join(folder, `${path.replace(/\W/g, '-')}-${line}.${language}`);
        writeFileSync(
          file,
          text.replace(/from '(skep[^']*)'/g, (_, imported) => `from '${sourceOf(imported)}'`),
        );
        const printed = execFileSync(process.execPath, ['--import', 'tsx', file], { cwd: ROOT, encoding: 'utf8' });
        const after = blocks[at + 1];
        expect(after?.info).toBe('output');
        expect(printed).toMatch(patternOf(after!.text));
      });
    }
  }
});

/** Blocks that show a file: `js examples/api/maps.mjs`, with `linux` behind it where only Linux can run it. */
describe('examples', () => {
  const netns = spawnSync('unshare', ['-n', 'true']).status === 0;
  const noLinux = bpfWorks() ? (netns ? null : 'no network namespace can be made') : 'bpf(2) does not work here';
  let root: string;
  beforeAll(() => {
    // The package as it is installed, with the sources in place of what the build makes of them.
    mkdirSync(join(ROOT, 'node_modules', '.cache'), { recursive: true });
    root = mkdtempSync(join(ROOT, 'node_modules', '.cache', 'examples-'));
    cpSync(join(ROOT, 'examples'), join(root, 'examples'), { recursive: true });
    for (const name of readdirSync(join(root, 'examples/api'))) {
      const file = join(root, 'examples/api', name);
      const text = readFileSync(file, 'utf8');
      writeFileSync(
        file,
        text.replace(/from '(skep[^']*)'/g, (_, imported) => `from '${sourceOf(imported)}'`),
      );
    }
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  const shown = new Set<string>();
  for (const { path, blocks } of pages) {
    for (const [at, { info, line }] of blocks.entries()) {
      const [language, file = '', need] = info.split(' ');
      if (language !== 'js' || !file.startsWith('examples/')) continue;
      shown.add(file);
      for (const kernel of need === 'linux' ? ['linux'] : ['embedded', 'linux']) {
        const missing = kernel === 'linux' ? noLinux : null;
        const name = `${path}:${line} runs on the ${kernel} kernel${kernel === 'linux' ? ' [kernel]' : ''}`;
        it.skipIf(missing !== null)(missing === null ? name : `${name} (${missing})`, () => {
          const run = [process.execPath, '--import', TSX, join(root, file), '--kernel', kernel];
          // What attaches to a device does so in a network of its own.
          const [command, ...args] = kernel === 'linux' ? ['unshare', '-n', ...run] : run;
          const printed = execFileSync(command!, args, { cwd: ROOT, encoding: 'utf8' });
          expect(blocks[at + 1]?.info).toBe('output');
          expect(printed).toMatch(patternOf(blocks[at + 1]!.text));
        });
      }
    }
  }

  it('are all shown on a page', () => {
    const all = readdirSync(join(ROOT, 'examples/api')).map((name) => `examples/api/${name}`);
    expect([...shown].sort()).toEqual(all.sort());
  });
});

/** `…` stands for anything on its line. */
function patternOf(text: string): RegExp {
  const escaped = text.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${escaped.join('.*')}$`);
}

describe('commands', () => {
  for (const { path, words, line } of commands()) {
    it(`${path}: ${line}`, () => {
      const { own, words: rest } = readCommandLine(words, {});
      if (own === 'run' && !rest.includes('--help')) expect(readRun(rest).object).not.toBe('');
      else if (own === 'opensnoop' && !rest.includes('--help')) readOpensnoop(rest);
      else if (own === 'kernel') expect(['start', 'stop', 'status']).toContain(rest[0]);
      else if (own === undefined) expect(VERBS[rest.find((word) => !word.startsWith('-'))!]).toContain(verbOf(rest));
    });
  }
});

function verbOf(words: readonly string[]): string {
  return words.filter((word) => !word.startsWith('-'))[1] ?? 'show';
}

/** The verbs that the documentation may name, by object. */
const VERBS: Readonly<Record<string, readonly string[]>> = {
  ...verbsOf(),
  p: ['s'],
  batch: ['file'],
  version: ['show'],
  help: ['show'],
};

/** As each object's help lists them. */
function verbsOf(): Record<string, string[]> {
  const verbs: Record<string, string[]> = {};
  for (const object of ['prog', 'map', 'link', 'perf', 'btf', 'feature', 'gen', 'struct_ops', 'iter']) {
    const args = ['--import', 'tsx', join(ROOT, 'src/bin/skep.ts'), object, 'help'];
    const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
    const uses = (stdout + stderr).matchAll(new RegExp(`skep ${object} (\\S+)`, 'g'));
    verbs[object] = [...uses].flatMap((m) => m[1]!.split(/[{}|]/).filter(Boolean));
  }
  return verbs;
}

/** Lines of blocks that call skep, and calls in the running text that are whole. */
function commands(): { path: string; line: string; words: string[] }[] {
  const found: { path: string; line: string; words: string[] }[] = [];
  for (const { path, blocks } of pages) {
    for (const { info, text } of blocks) {
      if (info !== '' && info !== 'sh') continue;
      for (const line of text.split('\n')) {
        const m = /^(?:\$ )?(?:sudo )?(?:npx )?skep (.+)$/.exec(line);
        if (m && !/[[{]|\.\.\./.test(m[1]!)) found.push({ path, line, words: split(m[1]!) });
      }
    }
  }
  return found;
}

/** Words as a shell would make them, as far as the pages go: blanks and single quotes. */
function split(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map((m) => m[1] ?? m[2]!);
}

describe('links', () => {
  for (const { path, text } of pages) {
    it(`of ${path} lead somewhere`, () => {
      for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^https?:/.test(target!)) continue;
        const [file = '', anchor] = target!.split('#');
        const place = file === '' ? path : join(dirname(path), file);
        expect(existsSync(join(ROOT, place)), `${path}: ${target}`).toBe(true);
        if (anchor !== undefined) expect(anchorsOf(place), `${path}: ${target}`).toContain(anchor);
      }
    });
  }
});

function anchorsOf(path: string): string[] {
  const headings = readFileSync(join(ROOT, path), 'utf8').matchAll(/^#+ (.+)$/gm);
  return [...headings].map((m) =>
    m[1]!
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replace(/ /g, '-'),
  );
}
