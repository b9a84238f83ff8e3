// Attaching: a program at a device, its place taken by another one, and the end of it.
//   node examples/api/links.mjs --kernel linux       (for a moment it sees what goes through lo)
import { BpfProgram, loadCollection } from 'skep';
import { openKernel, readObject } from './kernel.mjs';

const kernel = await openKernel();
const collection = await loadCollection(kernel, await readObject('kinds.bpf.o'));
const { count, sample } = collection.programs;

// What the section does not say, attach() is told; without it the error says what is missing.
await count.attach().catch((error) => console.log(error.message));

const link = await count.attach({ device: 'lo' });
const info = await link.info();
console.log('a link of type', info.type, 'at interface', info.xdp.ifindex);
console.log('it is the program', (await (await BpfProgram.byId(kernel, info.prog_id)).info()).name);

// Another program in its place, without a moment between them.
await link.update(sample);
console.log((await link.info()).prog_id === (await sample.info()).id);

// A second one at the same device has to wait.
await count.attach({ device: 'lo' }).catch((error) => console.log(error.code));

await link.close(); // nobody else holds it, so the program is detached
await (await count.attach({ device: 'lo' })).close();

await collection.close();
await kernel.close();
