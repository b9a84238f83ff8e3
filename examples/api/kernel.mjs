// Opening a kernel: the embedded one, the machine's, or one behind a socket. The other examples use this.
//   node examples/api/kernel.mjs --kernel linux
import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { createKernel } from 'skep/kernel';
import { openLinuxKernel } from 'skep/linux';
import { connectKernel } from 'skep/remote';

/** The kernel that `--kernel` names: `embedded` (default), `linux` (needs root), or the path of a socket. */
export async function openKernel() {
  const at = process.argv.indexOf('--kernel');
  const choice = at < 0 ? 'embedded' : process.argv[at + 1];
  if (choice === 'linux') return openLinuxKernel();
  return choice === 'embedded' ? createKernel().open() : connectKernel(choice);
}

/** The bytes of an object in the folder above. */
export function readObject(name) {
  return readFile(new URL(`../${name}`, import.meta.url));
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const kernel = await openKernel();
  console.log(kernel.kind, 'with', kernel.possibleCpus, 'CPUs');
  await kernel.close();
}
