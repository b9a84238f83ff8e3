import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkDirectory, findCommand } from './command.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'skep-command-'));
  for (const sub of ['a', 'b', 'b/tool']) mkdirSync(join(dir, sub));
  mkdirSync(join(dir, 'a', 'only-a-directory'));
  writeFileSync(join(dir, 'a', 'tool'), '', { mode: 0o755 });
  writeFileSync(join(dir, 'b', 'text'), '');
  chmodSync(join(dir, 'b', 'text'), 0o644);
});
afterAll(() => rmSync(dir, { recursive: true }));

const path = () => ['no/such', 'b', 'a'].map((sub) => join(dir, sub)).join(':');

test('a command is looked for in PATH, and passes by what is no program', () => {
  expect(findCommand('tool', path(), '/')).toBe(join(dir, 'a', 'tool'));
  expect(findCommand('sh', undefined, '/')).toMatch(/\/sh$/);
});

test('a name with a slash, and an empty or relative part of PATH, count from the working directory', () => {
  expect(findCommand('./tool', '', join(dir, 'a'))).toBe(join(dir, 'a', 'tool'));
  expect(findCommand('a/tool', '', dir)).toBe(join(dir, 'a', 'tool'));
  expect(findCommand('tool', ':', join(dir, 'a'))).toBe(join(dir, 'a', 'tool'));
  expect(findCommand('tool', 'a', dir)).toBe(join(dir, 'a', 'tool'));
});

test('says what is missing', () => {
  const code = (name: string) => {
    try {
      return findCommand(name, path(), dir);
    } catch (e) {
      return (e as { code: string }).code;
    }
  };
  expect(code('nothing')).toBe('ENOENT');
  expect(code('only-a-directory')).toBe('ENOENT');
  expect(code('text')).toBe('EACCES');
  expect(code('a/nothing')).toBe('ENOENT');
  expect(code('a/only-a-directory')).toBe('EACCES');
  expect(code('')).toBe('ENOENT');
  expect(() => checkDirectory(join(dir, 'c'))).toThrow(/cannot start in/);
  expect(() => checkDirectory(join(dir, 'a', 'tool'))).toThrow(/cannot start in/);
});
