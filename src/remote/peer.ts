/**
 * Who is at the other end of a unix socket. The directory of sockets lets only its owner in (directory.ts); on Linux,
 * where the FFI library is installed, the kernel is asked as well, and then the peer's pid is not taken on trust.
 */
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';

export interface Peer {
  readonly pid: number;
  readonly uid: number;
}

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
/** struct ucred: pid, uid, gid. */
const UCRED_SIZE = 12;

/** What asks the kernel for the credentials of a connection; undefined where that cannot be done here. */
export async function peerReader(): Promise<((socket: Socket) => Peer | undefined) | undefined> {
  if (process.platform !== 'linux') return undefined;
  try {
    const { default: koffi } = await import('koffi');
    const getsockopt = koffi.load(null).func('getsockopt', 'int', ['int', 'int', 'int', 'void *', 'void *']);
    return (socket) => {
      const fd = descriptorOf(socket);
      if (fd === undefined) return undefined;
      const credentials = Buffer.alloc(UCRED_SIZE);
      const size = Buffer.alloc(4);
      size.writeUInt32LE(UCRED_SIZE);
      if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, credentials, size) !== 0) return undefined;
      return { pid: credentials.readInt32LE(0), uid: credentials.readUInt32LE(4) };
    };
  } catch {
    return undefined; // not installed: the directory's mode is what protects the socket
  }
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
