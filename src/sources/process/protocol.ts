/**
 * What the processes of a trace say to each other. The launcher gets three descriptors besides stdio: the channel (3)
 * and the page that notifications are received into (4).
 */
export const LAUNCHER_CHANNEL_FD = 3;
export const LAUNCHER_SHARED_FD = 4;

/** How system calls are observed: seccomp user notification, or ptrace(2) behind a seccomp filter or without one. */
export type Method = 'notify' | 'ptrace' | 'ptrace-all';

export type ToLauncher =
  | {
      is: 'command';
      /** The file to execute, found already, and its argument vector. */
      file: string;
      argv: readonly string[];
      /** `NAME=value` */
      env: readonly string[];
    }
  /** Let this process ptrace us. */
  | { is: 'tracer'; pid: number }
  /** Install this filter (base64 of `struct sock_filter[]`); `ptrace-all` has none. */
  | { is: 'filter'; method: Method; filter: string }
  /** The tracer listens: run the command. */
  | { is: 'go' };

export type FromLauncher =
  /** The thread that will run the command. */
  | { is: 'ready'; tid: number }
  | { is: 'allowed' }
  /** The filter is in place. With method `notify` the listener comes along. */
  | { is: 'filtered' }
  /** The filter was refused; another one may be tried. */
  | { is: 'refused'; errno: number }
  | { is: 'started'; pid: number }
  /** The command could not be executed. */
  | { is: 'failed'; errno: number }
  /** The command ended: its wait status. */
  | { is: 'ended'; status: number }
  /** Nothing of the tree is left. */
  | { is: 'gone' };
