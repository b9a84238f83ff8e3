/**
 * Who is at the other end of a unix socket. The directory of sockets lets only its owner in (directory.ts); on Linux,
 * where koffi is installed, the kernel is asked as well, and then the peer's pid is not taken on trust.
 */
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { view } from '../base/bytes.ts';
import { UnsupportedError } from '../base/errors.ts';
import { loadSystem, type System } from '../native/index.ts';

export interface Peer {
  readonly pid: number;
  readonly uid: number;
}

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
/** struct ucred: pid, uid, gid. */
const UCRED_SIZE = 12;

/** What asks the kernel for the credentials of a connection; undefined where that cannot be done here. */
export function peerReader(): ((socket: Socket) => Peer | undefined) | undefined {
  let system: System;
  try {
    system = loadSystem();
  } catch (error) {
    if (error instanceof UnsupportedError) return undefined; // the directory's mode is what protects the socket
    throw error;
  }
  return (socket) => {
    const fd = descriptorOf(socket);
    if (fd === undefined) return undefined;
    const credentials = new Uint8Array(UCRED_SIZE);
    const size = new Uint8Array(Uint32Array.of(UCRED_SIZE).buffer);
    const [at, sizeAt] = [system.addressOf(credentials), system.addressOf(size)];
    if (system.call('getsockopt', fd, SOL_SOCKET, SO_PEERCRED, at, sizeAt) !== 0) return undefined;
    const fields = view(credentials);
    return { pid: fields.getInt32(0, true), uid: fields.getUint32(4, true) };
  };
}

function descriptorOf(socket: Socket): number | undefined {
  const handle = (socket as { _handle?: { fd?: number } | null })._handle;
  return handle?.fd !== undefined && handle.fd >= 0 ? handle.fd : undefined;
}

/** The name of a process of this machine, or undefined. */
export function commOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trimEnd();
  } catch {
    return undefined;
  }
}
