/** The words of `skep run`. */
import { UsageError } from '../../base/errors.ts';
import { Words } from '../words.ts';

export const USAGE = `Usage: skep run OBJ [OPTIONS] [-- COMMAND...]
       Loads an object file, attaches its programs, and prints what they print: bpf_printk lines, and the records they
       send through ring buffers and perf buffers. Until COMMAND ends, or Ctrl-C without one.

       --prog NAME      only this program; may be repeated
       --device NAME    the network interface for xdp and tc programs
       --cgroup PATH    the cgroup for cgroup programs; with --kernel linux and a COMMAND it has one of its own
       --pcap FILE      run the packets of a capture through xdp, tc and cgroup_skb programs, then show what the maps hold
       --set NAME=N     a global variable of the object, set before it is loaded; may be repeated
       --set MAP:KEY=N  an entry of a map, set before anything is attached; may be repeated
`;

/** What a person writes for a value: a number, else text. */
type Written = bigint | string;

export interface MapEntry {
  readonly map: string;
  readonly key: Written;
  readonly value: Written;
}

export interface RunOptions {
  object: string;
  programs: string[];
  device: string | undefined;
  cgroup: string | undefined;
  pcap: string | undefined;
  globals: Record<string, Written>;
  entries: MapEntry[];
  command: readonly string[];
}

export function readOptions(words: readonly string[]): RunOptions {
  let object: string | undefined;
  const rest: Omit<RunOptions, 'object'> = {
    programs: [],
    device: undefined,
    cgroup: undefined,
    pcap: undefined,
    globals: {},
    entries: [],
    command: [],
  };
  const given = new Words(words);
  for (const word of given) {
    if (word === '--') {
      rest.command = given.rest();
      break;
    }
    if (word === '--prog') rest.programs.push(given.value(word));
    else if (word === '--device') rest.device = given.value(word);
    else if (word === '--cgroup') rest.cgroup = given.value(word);
    else if (word === '--pcap') rest.pcap = given.value(word);
    else if (word === '--set') set(rest, given.value(word));
    else if (word.startsWith('-')) throw new UsageError(`what is '${word}'? See skep run --help`);
    else if (object === undefined) object = word;
    else throw new UsageError(`what is '${word}'? Write the command to trace behind --`);
  }
  if (object === undefined) throw new UsageError('which object? skep run OBJ [-- COMMAND...]');
  return { object, ...rest };
}

function set({ globals, entries }: Pick<RunOptions, 'globals' | 'entries'>, text: string): void {
  const m = /^([A-Za-z_][\w.]*)(?::([^=]+))?=(.*)$/s.exec(text);
  if (!m) throw new UsageError(`--set wants NAME=VALUE or MAP:KEY=VALUE, not '${text}'`);
  const [, name, key, value] = m as unknown as [string, string, string | undefined, string];
  if (key === undefined) globals[name] = written(value);
  else entries.push({ map: name, key: written(key), value: written(value) });
}

function written(text: string): Written {
  const m = /^(-?)(0x[0-9a-fA-F]+|\d+)$/.exec(text);
  if (!m) return text;
  return m[1] ? -BigInt(m[2]!) : BigInt(m[2]!);
}
