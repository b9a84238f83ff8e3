// What a kernel offers, found by asking it.
//   node examples/api/features.mjs --kernel linux
import { probeFeatures } from 'skep';
import { HELPERS } from 'skep/uapi/helpers';
import { MAP_TYPES } from 'skep/uapi/map-types';
import { PROG_TYPES } from 'skep/uapi/prog-types';
import { openKernel } from './kernel.mjs';

const kernel = await openKernel();
const features = probeFeatures(kernel);

console.log('xdp programs', await features.progType(PROG_TYPES.xdp.id));
console.log('ring buffers', await features.mapType(MAP_TYPES.ringbuf.id), `(Linux ${MAP_TYPES.ringbuf.since})`);
for (const name of ['redirect', 'get_current_task']) {
  console.log(`bpf_${name} in xdp:`, await features.helper(PROG_TYPES.xdp.id, HELPERS[name].id));
}
await kernel.close();
