/**
 * The serving end: a kernel for other processes of the same user, over a unix socket. Each connection is one client
 * with its own descriptors; when it ends, they are closed.
 *
 * Whatever a peer sends, the server lives on: a frame that is too large or makes no sense ends that connection. A peer
 * that asks faster than it reads is not listened to until it has read.
 */

import { chmod } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { SkepError } from '../base/errors.ts';
import type { Kernel } from '../sys/index.ts';
import { Connection, part } from './connection.ts';
import { commOf, type Peer, peerReader } from './peer.ts';

/** What is served: the embedded kernel fits. */
export interface ServedKernel {
  open(identity: { pid: number; uid: number; comm: string }): Kernel;
}

export interface KernelServer {
  /** The socket. */
  readonly path: string;
  /** Clients that are connected now. */
  readonly connections: number;
  /** Called whenever a client came or went; answers how to stop. */
  onChange(callback: () => void): () => void;
  /** Ends every connection and removes the socket. */
  close(): Promise<void>;
}

const MAX_CONNECTIONS = 256;

/** Serves `kernel` at a path where nothing is. EADDRINUSE where something is, as net.Server tells it. */
export async function serveKernel(kernel: ServedKernel, path: string): Promise<KernelServer> {
  const readPeer = peerReader();
  const open = new Set<Connection>();
  const watchers = new Set<() => void>();
  const changed = () => {
    for (const watcher of [...watchers]) watcher();
  };
  const server = createServer((socket) => {
    socket.on('error', () => {}); // a peer that went away is told of by 'close'
    const peer = readPeer?.(socket);
    const error = refuse(open.size, peer);
    if (error) {
      part(socket, error);
      return;
    }
    const connection = new Connection(socket, (claimed) => kernel.open(identityOf(claimed, peer)));
    open.add(connection);
    changed();
    void connection.ended.then(() => {
      open.delete(connection);
      changed();
    });
  });
  await listen(server, path);
  return {
    path,
    get connections() {
      return open.size;
    },
    onChange(callback) {
      watchers.add(callback);
      return () => watchers.delete(callback);
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await Promise.all([...open].map((connection) => connection.close()));
      await closed;
    },
  };
}

function refuse(connections: number, peer: Peer | undefined): SkepError | undefined {
  if (connections >= MAX_CONNECTIONS) return new SkepError('ERR_BUSY', `${connections} clients are connected already`);
  const uid = process.getuid?.();
  // root may look at everything there is anyway.
  if (peer && peer.uid !== uid && peer.uid !== 0) {
    return new SkepError('EACCES', `this kernel belongs to user ${uid}, not to user ${peer.uid}`);
  }
  return undefined;
}

/** Who a client is: what the system says, and where it says nothing, what the client says. */
function identityOf(claimed: { pid: number; comm: string }, peer: Peer | undefined) {
  const pid = peer?.pid ?? claimed.pid;
  const comm = (peer && commOf(peer.pid)) ?? claimed.comm;
  return { pid, uid: peer?.uid ?? process.getuid?.() ?? 0, comm };
}

async function listen(server: Server, path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
  if (process.platform !== 'win32') await chmod(path, 0o600);
}
