/**
 * npm run build: src/ -> dist/, with the command at dist/bin/skep.js.
 *
 * What has no source any more goes first: a file left over in dist/ would be packed and imported. A failed build
 * leaves no command behind, so nothing half-made is run.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { bin, fail, ROOT } from './house/steps.mjs';

const dist = join(ROOT, 'dist');
removeStale();
const { status } = spawnSync(bin('tsc'), ['-b', 'tsconfig.portable.json', 'tsconfig.node.json'], {
  cwd: ROOT,
  stdio: 'inherit',
});
const command = join(dist, 'bin', 'skep.js');
if (status !== 0 || !existsSync(command)) {
  rmSync(command, { force: true });
  fail('The build failed; dist/bin/skep.js was not made. If the disk is full (df -h .), make room and run it again.');
}
chmodSync(command, 0o755);

/** Removes what has no source any more; tsc then makes only what changed. */
function removeStale() {
  if (!existsSync(dist)) return;
  for (const file of readdirSync(dist, { recursive: true })) {
    const source = /\.(js|d\.ts)$/.test(file) ? join(ROOT, 'src', file.replace(/(\.d\.ts|\.js)$/, '.ts')) : undefined;
    if (source && !existsSync(source)) rmSync(join(dist, file));
  }
}
