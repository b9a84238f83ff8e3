/**
 * Where kernels of this user are found: a directory that nobody else may enter, with a socket for each.
 *
 *     kernel.sock    the user's own kernel, which lives on between commands
 *     PID.sock       a kernel that a running command hosts itself (`skep run`, `skep opensnoop`)
 *
 * The directory is $XDG_RUNTIME_DIR/skep, or skep-UID in the system's directory for temporary files.
 */
import { lstatSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SkepError, UnsupportedError } from '../base/errors.ts';

const USER_SOCKET = 'kernel.sock';
const HOSTED_SOCKET = /^(\d+)\.sock$/;
const OWNER_ONLY = 0o700;
const OTHERS = 0o077;

/** A kernel that somebody serves. */
export interface FoundKernel {
  readonly path: string;
  /** `user`: the user's own; `hosted`: that of a running command. */
  readonly kind: 'user' | 'hosted';
  /** The command that hosts it. */
  readonly pid: number | undefined;
}

/**
 * The directory, made where it is missing. Refuses one that is a symbolic link, somebody else's, or open to others: a
 * socket in it could be anybody's.
 */
export function runtimeDirectory(): string {
  const uid = process.getuid?.();
  if (uid === undefined) {
    throw new UnsupportedError('a kernel that outlives its command, on this system', {
      hint: 'there are no unix sockets with owners here; commands that host a kernel themselves work',
    });
  }
  const base = process.env['XDG_RUNTIME_DIR'];
  const path = base ? join(base, 'skep') : join(tmpdir(), `skep-${uid}`);
  mkdirSync(path, { recursive: true, mode: OWNER_ONLY });
  const found = lstatSync(path);
  const fault = !found.isDirectory()
    ? 'it is not a directory'
    : found.uid !== uid
      ? `it belongs to user ${found.uid}`
      : (found.mode & OTHERS) !== 0
        ? 'others may enter it'
        : undefined;
  if (fault !== undefined) {
    throw new SkepError(
      'ERR_DIRECTORY',
      `${path} cannot hold sockets: ${fault}. Remove it, or chmod 700 it, and try again.`,
    );
  }
  return path;
}

/** Where the user's own kernel is served. */
export function userSocket(): string {
  return join(runtimeDirectory(), USER_SOCKET);
}

/** Where a command serves the kernel that it hosts. */
export function hostedSocket(pid = process.pid): string {
  return join(runtimeDirectory(), `${pid}.sock`);
}

/**
 * The kernels that are served now: those hosted by running commands first, the newest of them first, then the user's
 * own. Sockets that nobody listens at any more are removed.
 */
export async function findKernels(): Promise<FoundKernel[]> {
  const directory = runtimeDirectory();
  const found: (FoundKernel & { since: number })[] = [];
  for (const name of readdirSync(directory)) {
    const hosted = HOSTED_SOCKET.exec(name);
    if (name !== USER_SOCKET && !hosted) continue;
    const path = join(directory, name);
    if (!(await isServed(path))) continue;
    const since = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    found.push({ path, kind: hosted ? 'hosted' : 'user', pid: hosted ? Number(hosted[1]) : undefined, since });
  }
  found.sort((a, b) => (a.kind === b.kind ? b.since - a.since : a.kind === 'hosted' ? -1 : 1));
  return found.map(({ path, kind, pid }) => ({ path, kind, pid }));
}

/** Whether somebody listens at a socket. One that is left over from a process that died is removed. */
export async function isServed(path: string): Promise<boolean> {
  const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once('error', resolve);
  });
  if (error === undefined) return true;
  if (error.code === 'ECONNREFUSED') rmSync(path, { force: true });
  else if (error.code !== 'ENOENT') throw error;
  return false;
}
