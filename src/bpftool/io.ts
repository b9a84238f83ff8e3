/**
 * What the commands ask of the machine they run on. Node's answer stands in bin/; a test or a browser gives its own.
 *
 * Files reject with a `SkepError` whose code is the errno symbol (`ENOENT`).
 */
export interface Io {
  /** Text for stdout, stderr. Whole lines or parts of them. */
  out(text: string): void;
  err(text: string): void;
  readFile(path: string): Promise<Uint8Array>;
  /** Names of the directories in a directory, sorted. */
  directories(path: string): Promise<string[]>;
  /** Everything that stdin has. */
  readStdin(): Promise<Uint8Array>;
  /** Replaces the file; `mode` is that of a new one (0o600 for dumps, as bpftool has it). */
  writeFile(path: string, bytes: Uint8Array, mode: number): Promise<void>;
  /** When the machine booted, in milliseconds of the epoch: load times count from there. */
  bootTime(): number;
  /** Minutes to add to UTC for local time at that instant (milliseconds of the epoch). */
  zoneMinutes(at: number): number;
  /** Aborted when the person wants it to end (Ctrl-C): commands that wait stop, clean up, and exit 0. */
  readonly interrupted: AbortSignal;
  /** Whether stdout is a terminal. */
  readonly isTerminal: boolean;
}
