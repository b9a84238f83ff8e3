/** `skep opensnoop`: which process opens which file. The program is examples/opensnoop.bpf.c. */
import { UsageError } from '../../base/errors.ts';
import { type Collection, loadCollection } from '../../client/index.ts';
import type { KernelChoice } from '../argv.ts';
import type { Closers } from '../closers.ts';
import type { Host } from '../host.ts';
import { readPackageFile } from '../package-file.ts';
import { confinement, traceCommand } from '../trace.ts';
import { Columns } from './columns.ts';
import { type OpenEvent, readEvent } from './event.ts';
import { type OpensnoopOptions, readOptions, USAGE } from './options.ts';

const OBJECT = 'examples/opensnoop.bpf.o';
/** A uid that nobody has: no filter. */
const ANY_UID = 0xffff_ffff;

export async function opensnoopCommand(words: readonly string[], choice: KernelChoice): Promise<number> {
  const options = readOptions(words);
  if (options.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (options.command.length === 0 && choice !== 'linux') {
    throw new UsageError(
      'the embedded kernel sees the commands it runs: skep opensnoop -- COMMAND. ' +
        'For the whole machine: skep --kernel linux opensnoop',
    );
  }
  const object = await readPackageFile(OBJECT);
  const columns = new Columns(options, Date.now() - Number(process.hrtime.bigint()) / 1e6);
  // The first events come while the command is still starting.
  let begun = false;
  const begin = () => {
    if (!begun) process.stdout.write(columns.header());
    begun = true;
  };
  const prepare = async (host: Host, owned: Closers) => {
    const collection = await loadCollection(host.kernel, object, {
      name: 'opensnoop',
      programs: programsFor(options),
      ...confinement(host),
      globals: {
        exits: options.exits,
        failed_only: options.failedOnly,
        only_pid: options.pid ?? 0,
        only_uid: options.uid ?? ANY_UID,
      },
    });
    owned.add(() => collection.close());
    for (const program of Object.values(collection.programs)) {
      const link = await program.attach();
      owned.add(() => link.close());
    }
    const ring = await collection.map('events').ring();
    owned.add(() => warnOfLosses(collection));
    owned.add(() => ring.close());

    return [
      async () => {
        const records = await ring.read();
        const events = records.map(({ data }) => readEvent(data)).filter((event) => matches(event, options));
        if (events.length > 0) begin();
        process.stdout.write(events.map((event) => columns.row(event)).join(''));
        return records.length;
      },
    ];
  };
  return traceCommand({ choice, command: options.command, prepare, onStart: begin });
}

/** Exits cost: their programs are loaded only where somebody wants to see them. */
function programsFor({ exits }: OpensnoopOptions): string[] {
  const calls = ['open', 'openat', 'openat2'];
  return [...calls.map((call) => `enter_${call}`), ...(exits ? calls.map((call) => `exit_${call}`) : [])];
}

function matches(event: OpenEvent, { tid, name }: OpensnoopOptions): boolean {
  return (tid === undefined || event.tid === tid) && (name === undefined || event.comm.includes(name));
}

async function warnOfLosses(collection: Collection): Promise<void> {
  const bss = Object.values(collection.maps).find((map) => map.name.endsWith('.bss'));
  const value = await bss?.get(0);
  const lost = value !== null && typeof value === 'object' && 'lost' in value ? value['lost'] : 0n;
  if (typeof lost === 'bigint' && lost > 0n) process.stderr.write(`skep: ${lost} events were lost: too many at once\n`);
}
