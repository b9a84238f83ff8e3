/** Starting one of our own scripts (the launcher, the ptrace tracer) as a Node process, from dist/ and from sources. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** `script` is its path from this file, without its extension. */
export function spawnScript(script: string, options: SpawnOptions, args: readonly string[] = []): ChildProcess {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
  const file = fileURLToPath(new URL(script + extension, import.meta.url));
  const child = spawn(process.execPath, [...loader(extension), file, ...args], { ...options, env: ownEnvironment() });
  child.unref();
  return child;
}

/** Running from sources needs tsx, a development dependency; the command's directory is not where it is installed. */
function loader(extension: '.ts' | '.js'): string[] {
  if (extension === '.js') return [];
  return ['--import', pathToFileURL(createRequire(import.meta.url).resolve('tsx/esm')).href];
}

/** Ours, without what would make Node do more than run the script; the command gets its own environment later. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS, NODE_V8_COVERAGE, ...rest } = process.env;
  return { ...rest, UV_THREADPOOL_SIZE: '1' };
}
