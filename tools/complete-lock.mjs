/**
 * node tools/complete-lock.mjs: after `npm install` changed package-lock.json on a machine whose registry lacks packages of
 * other platforms.
 *
 * npm leaves such optional packages out of the lock file, and `npm ci` then refuses it everywhere. This writes them in,
 * by name and version, with the platform that their name says, so that npm skips them where they are not for.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './house/steps.mjs';

const FILE = join(ROOT, 'package-lock.json');
const OS = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const CPU = ['arm64', 'arm', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64'];

const lock = JSON.parse(readFileSync(FILE, 'utf8'));
let added = 0;
for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const at = `node_modules/${name}`;
    if (lock.packages[at] || lock.packages[`${path}/${at}`]) continue;
    const words = name.split(/[/-]/);
    const os = OS.find((o) => words.includes(o));
    const cpu = CPU.find((c) => words.includes(c) || words.includes(`${c}le`));
    if (!os || !cpu || /[^\d.]/.test(version)) {
      console.error(`${name}@${version}, which ${path} wants, is not one that can be completed by its name`);
      process.exitCode = 1;
      continue;
    }
    const libc = words.some((w) => w.startsWith('musl'))
      ? ['musl']
      : words.some((w) => w.startsWith('gnu'))
        ? ['glibc']
        : undefined;
    lock.packages[at] = {
      version,
      cpu: [cpu],
      ...(path !== '' ? { dev: entry.dev } : {}),
      ...(libc ? { libc } : {}),
      optional: true,
      os: [os],
    };
    added++;
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
if (added > 0) writeFileSync(FILE, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${added} packages of other platforms written in`);
