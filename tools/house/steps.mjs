/**
 * What the project's own commands share: run a step, show how it went, keep its output until it is wanted.
 * Plain JavaScript on Node alone, because it runs before anything is installed.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const MIN_NODE = [20, 19];

/** Ends the process with a sentence: what was asked, what is in the way, what to do. */
export function fail(message) {
  console.error(message);
  process.exit(1);
}

export function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < MIN_NODE[0] || (major === MIN_NODE[0] && minor < MIN_NODE[1])) {
    fail(
      `skep needs Node ${MIN_NODE.join('.')} or newer, and this is ${process.version}. Install a newer one from https://nodejs.org.`,
    );
  }
}

/**
 * Runs a command in the project's folder. Output goes through (`show: true`) or is kept and printed on failure.
 * Resolves to { ok, output, ms }.
 */
export function step(title, command, args, { show = false, env = {} } = {}) {
  const started = Date.now();
  const interactive = process.stderr.isTTY && !show;
  if (show) console.error(`— ${title}`);
  else if (interactive) process.stderr.write(`  ${title} …`);
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: ROOT,
      stdio: show ? 'inherit' : ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    let output = '';
    child.stdout?.on('data', (chunk) => (output += chunk));
    child.stderr?.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => done(false, String(error)));
    child.on('close', (code, signal) => done(code === 0, signal ? `ended by ${signal}` : ''));
    function done(ok, more) {
      const ms = Date.now() - started;
      if (interactive) process.stderr.write('\r\x1b[K');
      if (!show) console.error(`${ok ? 'ok  ' : 'FAIL'}  ${title.padEnd(44)} ${(ms / 1000).toFixed(1).padStart(6)} s`);
      if (!ok && !show) console.error(output);
      if (more) console.error(more);
      resolve({ ok, output, ms });
    }
  });
}

/** Installs the packages that package-lock.json names, unless that very state is installed already. */
export async function install() {
  const lock = readFileSync(join(ROOT, 'package-lock.json'));
  const stamp = join(ROOT, 'node_modules', '.cache', 'installed');
  const want = `${createHash('sha256').update(lock).digest('hex')} ${process.version}`;
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === want) return;
  if (spawnSync('npm', ['--version']).error)
    fail('npm is not on the PATH. It comes with Node: install that from https://nodejs.org.');
  const { ok } = await step('install packages (npm ci)', 'npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund']);
  if (!ok)
    fail('The packages could not be installed: see above. A registry must be reachable, and the folder writable.');
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, want);
}

/** Compiles src/ into dist/. */
export async function build() {
  const { ok } = await step('build (tsc)', process.execPath, ['tools/build.mjs']);
  if (!ok) fail('The build failed: see above.');
}

/** Path of an installed package's command. */
export const bin = (name) => join(ROOT, 'node_modules', '.bin', name);
